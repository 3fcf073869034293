"""Words and figures that every format of a profile uses."""

from collections.abc import Sequence

from durameter.profile import FIXED, RETRIES, Coefficient, KindLine, Lines, Profile

__all__ = ["covariate_rows", "line_words", "number", "retry_words", "summary"]

_READINGS = {"documented": "", "upper": ", open questions billed", "lower": ", open questions free"}


def number(value: float) -> str:
    """A whole number as one, else three figures."""
    return f"{value:,.0f}" if value == round(value) else f"{value:,.3g}" if abs(value) < 100 else f"{value:,.1f}"


def summary(profile: Profile) -> str:
    """Whose profile it is, and what was fitted."""
    groups = "" if profile.clusters == profile.tasks else f" in {profile.clusters} clusters"
    left = [f"{n} {state.replace('_', ' ')}" for state, n in profile.left_out.items()]
    means = [
        f"{state.replace('_', ' ')} ones cost {number(mean)} on average"
        for state, mean in profile.left_out_mean.items()
    ]
    apart = f"; shown apart: {', '.join([*left, *means])}" if left else ""
    return f"{profile.engine}, {profile.variant}: {profile.unit}s per task, from {profile.tasks} tasks{groups}{apart}"


def covariate_rows(profile: Profile) -> list[tuple[str, ...]]:
    """The table of marginals: its head, then a row per covariate, per retry, and for the mean task."""
    readings = _different(profile)
    head = ("one more", "in the sample", *(f"{profile.unit}s{_READINGS[each.reading]}" for each in readings))
    rows = [head]
    by_name = {each.name: each for each in profile.covariates}
    for name in (FIXED, *by_name):
        sample = "every task" if name == FIXED else _sample(profile, name)
        rows.append((_spoken(name), sample, *(_value(profile, each, name) for each in readings)))
    if profile.retries is not None:
        seen = f"mean {number(profile.retries.mean)}"
        rows.append((_spoken(RETRIES), seen, *(_retry(each) for each in readings)))
    rows.append(("the mean task", "", *(number(each.mean) for each in readings)))
    return rows


def _different(profile: Profile) -> list[Lines]:
    """Documented, and each reading that differs from it."""
    first = profile.readings[0]
    return [each for each in profile.readings if each is first or (each.total, each.mean) != (first.total, first.mean)]


def _spoken(name: str) -> str:
    return {FIXED: "fixed", RETRIES: "retry (in the others' rates)"}.get(name, name)


def _sample(profile: Profile, name: str) -> str:
    found = next(each for each in profile.covariates if each.name == name)
    if not found.varies:
        return f"always {number(found.low)}"
    return f"mean {number(found.mean)} ({number(found.low)}–{number(found.high)})"


def _value(profile: Profile, lines: Lines, name: str) -> str:
    found = next((each for each in lines.total if each.covariate == name), None)
    if any(name in weights and len(weights) == 1 for weights in profile.unseen):
        return "not known"
    if name in profile.untold(lines.reading):
        return "not told apart"
    if found is None:
        shared = [weights for weights in profile.unseen if name in weights]
        return "not told apart" if shared else "0"
    return _with_error(found)


def _with_error(found: Coefficient) -> str:
    return f"{number(found.value)} ± {found.error:.2g}" if found.error else number(found.value)


def _retry(lines: Lines) -> str:
    return number(lines.per_retry)


def line_words(line: KindLine) -> tuple[str, str]:
    """`1 per model_calls + 1 per tool_calls`, and whether that is exact."""
    parts = [
        f"{_with_error(each)} per {'task' if each.covariate == FIXED else each.covariate}" for each in line.coefficients
    ]
    basis = {"exact": "exact", "given_retries": "exact, given retries", "fitted": "fitted"}[line.basis]
    return " + ".join(parts) or "0", basis


def retry_words(profile: Profile) -> list[str]:
    """How often retries happen."""
    found = profile.retries
    if found is None:
        return []
    rate = _joined([f"{_with_error(each)} per {each.covariate}" for each in found.rate])
    seen = f"{found.seen} retries of {', '.join(found.causes)}"
    if found.attempts:
        seen += f" in {found.attempts:,} first attempts"
    return [
        f"Retries: {seen}: {rate}; the mean task has {number(found.mean)} ({number(found.low)}–{number(found.high)})."
    ]


def _joined(parts: Sequence[str]) -> str:
    return " and ".join(parts)
