"""What records cannot show, by name, and estimates of it at rates that the user gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from durameter.errors import UsageError
from durameter.results.model import Estimate
from durameter_collectors.rulebook import Rulebook

__all__ = ["Rate", "Recorded", "estimates", "parse_rates", "unseen_kinds"]

_MOST = Decimal(10**9)
"""Units for each task; more is a slip of the keyboard."""


@dataclass(frozen=True)
class Rate:
    """What a user says of a kind that no record shows."""

    kind: str
    units: Decimal
    """Units for each `per`."""
    per: str
    """One of `Recorded.per`."""


@dataclass(frozen=True)
class Recorded:
    """What existing records of an engine show."""

    rules: Rulebook
    source: str
    """The rulebook's name for such records."""
    per: tuple[str, ...]
    """What a rate can be of: `task`, `run`, ..."""
    words: Mapping[str, str]
    """Kind that a local server can make → when it is billed."""


def unseen_kinds(recorded: Recorded) -> dict[str, str]:
    """Kind → when it is billed: all that a local server can make and these records never show."""
    shown = {rule.kind for rule in recorded.rules.rules if recorded.source in rule.sources}
    return {kind: when for kind, when in recorded.words.items() if kind not in shown}


def parse_rates(pairs: Sequence[str], recorded: Recorded) -> tuple[Rate, ...]:
    """Rates from `KIND=N/task`; the others of `Recorded.per` instead of `task`.

    Raises:
        UsageError: one is not of that form, or its kind is not known, is in the records, or is given twice.
    """
    rates: dict[str, Rate] = {}
    for pair in pairs:
        kind, _, given = pair.partition("=")
        number, slash, per = given.partition("/")
        try:
            units = Decimal(number)
        except InvalidOperation:
            units = Decimal(-1)
        per = per if slash else "task"
        if not (units.is_finite() and 0 <= units <= _MOST) or per not in recorded.per:
            ways = " or ".join(f"{each}" for each in recorded.per)
            raise UsageError(
                f"--rate {pair} is not KIND=NUMBER/PER, where PER is {ways} and NUMBER at most {_MOST:,f}: "
                "--rate query_workflow=2/task."
            )
        _check_kind(kind, recorded)
        if kind in rates:
            raise UsageError(f"--rate {kind} is given twice. Add the two rates into one.")
        rates[kind] = Rate(kind, abs(units), per)  # a zero may have been negative
    return tuple(rates.values())


def _check_kind(kind: str, recorded: Recorded) -> None:
    """Raises UsageError where the kind is none that records leave out."""
    unseen, engine = unseen_kinds(recorded), recorded.rules.engine
    if kind in unseen:
        return
    rules = [rule for rule in recorded.rules.rules if rule.kind == kind]
    if not unseen:
        raise UsageError(f"--rate {kind}: runs of {engine} show every kind of unit, so there is nothing to estimate.")
    known = ", ".join(unseen)
    if not rules:
        raise UsageError(f"--rate {kind}: {engine} bills nothing of that name. What its records cannot show: {known}.")
    if all(rule.cloud_only for rule in rules):
        raise UsageError(
            f"--rate {kind}: it depends on the account and comes with the price, not with the count. "
            f"What records cannot show: {known}."
        )
    raise UsageError(
        f"--rate {kind}: the records show it, so it is counted and a rate would count it twice. "
        f"What they cannot show: {known}."
    )


def estimates(rates: Sequence[Rate], counted: Mapping[str, int]) -> tuple[Estimate, ...]:
    """Each rate times how many there are.

    Args:
        rates: what the user says.
        counted: how many tasks, runs, activities or steps the records have.
    """
    return tuple(
        Estimate(kind=rate.kind, rate=rate.units, per=rate.per, units=rate.units * counted[rate.per]) for rate in rates
    )
