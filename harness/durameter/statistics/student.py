"""Student's t."""

__all__ = ["quantile"]


def quantile(freedom: float, level: float) -> float:
    """The t that a two-sided interval of this level takes.

    Args:
        freedom: degrees of freedom, above 0.
        level: of confidence, 0 to 1.
    """
    from scipy.special import stdtrit  # 0.2 s, which `durameter --help` need not wait for

    return float(stdtrit(freedom, (1 + level) / 2))
