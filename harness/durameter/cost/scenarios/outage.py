"""A long outage from short ones: the retry policy's closed form, checked against what the short ones did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from durameter.cost.scenarios.effect import Extra, Reading
from durameter.retries import RetryPolicy
from durameter.workload import Outage

__all__ = ["Extension", "Seen", "extend"]

_CLOCK_SECONDS = 0.05
"""By which a server's timer and the clock here may disagree."""


@dataclass(frozen=True)
class Seen:
    """What short outages did, task by task, in one order."""

    observed: Sequence[Mapping[str, float]]
    units: Mapping[Reading, Sequence[Decimal]]
    """Extra units."""
    measures: Mapping[str, Sequence[Decimal]]
    """Extra of what was measured beside units."""


class _Met(NamedTuple):
    """One task's short outage."""

    seconds: float
    failures: int
    over: float


@dataclass(frozen=True)
class Extension:
    """What the closed form says; without readings when it was not used."""

    notes: tuple[str, ...]
    readings: dict[Reading, Extra] = field(default_factory=dict)
    measures: dict[str, Extra] = field(default_factory=dict)


def extend(outage: Outage, engine: str, seen: Seen) -> Extension:
    """The effect of the long outage on a task that it hits, or why the closed form is not used.

    It is used if, in every task, (1) the attempts that the outage failed are as many as the closed form of the measured
    policy gives for that task's outage, (2) the first attempt after it began when the closed form says, and (3) each
    failed attempt cost the same units. Retries begin later than their policy says, by up to its jitter each.

    Then a task that is hit costs that much times the mean number of retries in the long outage; one call of a task is
    hit, since an agent calls its model in turn, and it begins at any time of the outage (uniform).
    """
    measured, production = outage.measured.get(engine), outage.production.get(engine)
    if measured is None or production is None:
        return Extension((f"not extended to {outage.seconds:g} s: no retry policy is known for {engine}",))
    try:
        met = [
            _Met(each[outage.seconds_key], round(each[outage.failures_key]), each[outage.over_key])
            for each in seen.observed
        ]
    except KeyError as error:
        return Extension((f"not extended to {outage.seconds:g} s: a task does not say its {error}",))
    failures = [each.failures for each in met]
    if wrong := _unlike(measured, met):
        return Extension((f"not extended to {outage.seconds:g} s, the closed form does not hold: {wrong}",))
    costs = {reading: _cost(units, failures) for reading, units in seen.units.items()}
    if None in costs.values():
        return Extension((f"not extended to {outage.seconds:g} s: a retry did not always cost the same units",))
    mean, least, most = _retries(production, outage.seconds)
    lengths = [each.seconds for each in met]
    how = (
        f"extended from {len(met)} outages of {min(lengths):.1f} to {max(lengths):.1f} s to "
        f"{outage.seconds:g} s by {production.name}: {mean:.2f} retries on average, "
        f"{production.retries_until_over(outage.seconds)} if a call begins with the outage"
    )
    notes = [how, f"the closed form of {measured.name} gave the retries of every short outage"]
    if not production.outlives(outage.seconds):
        notes.append(f"{production.name} gives up before {outage.seconds:g} s are over: such tasks fail")

    def times(cost: Decimal) -> Extra:
        each = float(cost)
        return Extra(extra_mean=each * mean, extra_error=0.0, low=each * least, high=each * most)

    measures = {name: cost for name, values in seen.measures.items() if (cost := _cost(values, failures)) is not None}
    return Extension(
        notes=tuple(notes),
        readings={reading: times(cost) for reading, cost in costs.items() if cost is not None},
        measures={name: times(cost) for name, cost in measures.items()},
    )


def _unlike(policy: RetryPolicy, met: Sequence[_Met]) -> str:
    """The first short outage that the closed form does not give, in words."""
    for seconds, failures, over in met:
        least = policy.retries_until_over(seconds, jitter=policy.jitter)
        most = policy.retries_until_over(seconds)
        where = f"in an outage of {seconds:.2f} s {failures} attempts failed"
        if not least <= failures <= most:
            return f"{where}; {policy.name} gives {least} to {most}"
        early, late = policy.begins(failures), policy.begins(failures, jitter=policy.jitter)
        if not early - _CLOCK_SECONDS <= over <= late:
            return f"{where} and the next began after {over:.2f} s; {policy.name} gives {early:.2f} to {late:.2f} s"
    return ""


def _cost(extras: Sequence[Decimal], failures: Sequence[int]) -> Decimal | None:
    """What each failed attempt cost, if it was the same in every task."""
    hit = next((place for place, failed in enumerate(failures) if failed), None)
    if hit is None:
        return None
    cost = extras[hit] / failures[hit]
    return cost if all(extra == cost * failed for extra, failed in zip(extras, failures, strict=True)) else None


def _retries(policy: RetryPolicy, seconds: float) -> tuple[float, float, float]:
    """Mean retries at half the jitter, at all of it and at none.

    The mean is linear in the waits as long as every attempt is surely within or surely after the outage, so half the
    jitter gives the mean over the draws then, and nearly so otherwise.
    """
    return (
        policy.mean_retries(seconds, jitter=policy.jitter / 2),
        policy.mean_retries(seconds, jitter=policy.jitter),
        policy.mean_retries(seconds),
    )
