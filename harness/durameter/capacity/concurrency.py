"""How many steps are at work at once."""

from decimal import ROUND_CEILING, Decimal

__all__ = ["mean_at_work", "most_at_work"]


def mean_at_work(tasks_per_second: Decimal, step_seconds: Decimal) -> Decimal:
    """Mean number of steps at work: Little's law, L = arrival rate x time at work.

    Args:
        tasks_per_second: at the hour in question.
        step_seconds: in which a task has a step at work, summed over its steps.
    """
    return tasks_per_second * step_seconds


def most_at_work(mean: Decimal, dispersion: Decimal = Decimal(1), *, quantile: float = 0.99) -> int:
    """Number of steps at work that is not exceeded in this share of the time.

    Tasks arrive independently of each other (Poisson), and none waits for a slot. Then at any moment the number of
    tasks that have j steps at work is Poisson with mean rate x T_j, T_j being the time in which a task has j of them,
    for each j on its own (M/G/infinity with marks). The sum of j x Poisson(rate x T_j) has the mean L = rate x
    sum(j T_j) and the variance D x L, where D = sum(j^2 T_j) / sum(j T_j). For D = 1 (never two steps of a task at
    once) it is Poisson(L) exactly; else D x Poisson(L / D), which has the same mean and variance, stands for it, taken
    up to a whole number.

    Args:
        mean: L.
        dispersion: D, 1 or more.
        quantile: the share, such as 0.99.
    """
    from scipy.stats import poisson

    if not mean:
        return 0
    blocks = int(poisson.ppf(quantile, float(mean / dispersion)))
    return int((blocks * dispersion).to_integral_value(ROUND_CEILING))
