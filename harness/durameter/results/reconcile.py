"""Two sources against each other, per kind. What no rule explains is a failure, never a footnote."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, computed_field

from durameter_collectors.rulebook import Rulebook
from durameter_collectors.units import Unit

__all__ = [
    "Corrections",
    "Line",
    "Reconciliation",
    "against_meter",
    "by_place",
    "compare",
    "merged",
    "state_of",
]

Corrections = Mapping[str, Mapping[str, Decimal]]
"""Kind → name of the correction → units that `other` has more for that reason (negative: fewer)."""

_ZERO = Decimal(0)


class Line(BaseModel):
    """One kind, as two sources count it."""

    model_config = ConfigDict(frozen=True)

    kind: str
    ours: Decimal
    """What the first source says; of the documented reading where the other one knows no readings."""
    other: Decimal
    """What the other source says."""
    corrections: dict[str, Decimal] = Field(default_factory=dict)
    """Named parts of `other - ours`, each computed from evidence."""
    where: tuple[str, ...] = ()
    """Runs or workflows in which the sources differ, where both know such."""

    @computed_field  # type: ignore[prop-decorator]  # pydantic's own documented form; mypy has no rule for it
    @property
    def unexplained(self) -> Decimal:
        """What is left: must be zero."""
        return self.other - self.ours - sum(self.corrections.values(), _ZERO)


class Reconciliation(BaseModel):
    """What two sources say of one engine's measurement."""

    model_config = ConfigDict(frozen=True)

    source: str
    """The first source."""
    other: str
    """The second one."""
    independent: bool = True
    """Whether neither of the two was made from the other; if not, equality proves only that nothing was lost."""
    state: Literal["agrees", "differs", "not checked"]
    lines: tuple[Line, ...] = ()
    notes: tuple[str, ...] = ()
    """What the reader must know: why it was not checked, unattributed runs, exchanges that could not be read."""
    blind_spots: tuple[str, ...] = ()
    """What neither of the two can see."""


def state_of(lines: Iterable[Line], problems: Iterable[str]) -> Literal["agrees", "differs"]:
    """`agrees` when nothing is left unexplained and no problem was noted."""
    clean = not any(line.unexplained or line.where for line in lines) and not any(problems)
    return "agrees" if clean else "differs"


def compare(
    ours: Mapping[str, Decimal], other: Mapping[str, Decimal], corrections: Corrections | None = None
) -> tuple[Line, ...]:
    """One line per kind that either side or a correction names, in order of kind."""
    named = {
        kind: {name: units for name, units in sorted(parts.items()) if units}
        for kind, parts in (corrections or {}).items()
    }
    return tuple(
        Line(kind=kind, ours=ours.get(kind, _ZERO), other=other.get(kind, _ZERO), corrections=named.get(kind, {}))
        for kind in sorted({*ours, *other, *(kind for kind, parts in named.items() if parts)})
    )


def merged(*several: Corrections) -> dict[str, dict[str, Decimal]]:
    """All corrections together; of one kind and name, their sum."""
    total: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for corrections in several:
        for kind, parts in corrections.items():
            for name, units in parts.items():
                total[kind][name] += units
    return {kind: dict(parts) for kind, parts in total.items()}


def against_meter(
    units: Iterable[Unit], meter: Mapping[str, Decimal], rules: Rulebook, *, extra: Corrections | None = None
) -> tuple[Line, ...]:
    """Compare units with a meter that counts by kind, without runs.

    Args:
        units: the ledger of the measurement.
        meter: what the server metered, by the meter's own names.
        rules: the engine's rulebook, which knows those names. A name it does not know becomes a kind of its own, all
            of it unexplained.
        extra: corrections beside those that the rules make, such as traffic that belongs to no task.

    Returns:
        One line per kind. Corrections named by their rule: what an open question leaves out of the headline and this
        meter counts; what the documents bill and it does not count; what it counts among units of another kind.
    """
    ledger: dict[str, Decimal] = defaultdict(Decimal)
    corrections: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for unit in units:
        rule = rules.rule(unit.rule)
        if unit.reading == "documented":
            ledger[unit.kind] += unit.quantity
            corrections[unit.kind][rule.id] -= unit.quantity
        if rule.meter:
            metered_as = rules.metered_kind(rule.meter[0]) or unit.kind
            corrections[metered_as][rule.id] += unit.quantity
    metered: dict[str, Decimal] = defaultdict(Decimal)
    for name, count in meter.items():
        metered[rules.metered_kind(name) or f"unknown to the rulebook: {name}"] += count
    return compare(ledger, metered, merged(corrections, extra or {}))


def by_place(
    ours: Mapping[str, Mapping[str, Decimal]],
    other: Mapping[str, Mapping[str, Decimal]],
    corrections: Mapping[str, Corrections],
) -> tuple[Line, ...]:
    """Compare by place (run, workflow) and kind; sums that agree by accident prove nothing.

    Args:
        ours: place → kind → units.
        other: likewise.
        corrections: place → named corrections.

    Returns:
        One line per kind, with the sums and the places in which the two differ.
    """
    sums: tuple[dict[str, Decimal], dict[str, Decimal]] = (defaultdict(Decimal), defaultdict(Decimal))
    where: dict[str, list[str]] = defaultdict(list)
    for place in sorted({*ours, *other, *corrections}):
        for line in compare(ours.get(place, {}), other.get(place, {}), corrections.get(place)):
            sums[0][line.kind] += line.ours
            sums[1][line.kind] += line.other
            if line.unexplained:
                where[line.kind].append(place)
    return tuple(
        line.model_copy(update={"where": tuple(where[line.kind])})
        for line in compare(*sums, merged(*corrections.values()))
    )
