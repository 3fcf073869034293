"""Two sources against each other, per kind. What no rule explains is a failure, never a footnote."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, computed_field

from durameter_collectors.rulebook import Rulebook
from durameter_collectors.units import Unit

__all__ = ["Line", "Reconciliation", "against_meter", "against_runs", "state_of"]


class Line(BaseModel):
    """One kind, as two sources count it."""

    model_config = ConfigDict(frozen=True)

    kind: str
    ledger: Decimal
    """Units of the documented reading; of both readings where the other source counts by run."""
    other: Decimal
    """What the other source says."""
    explained: Decimal = Decimal(0)
    """Part of `other - ledger` that named rules account for."""
    explained_by: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    """Runs in which the sources differ, where the other source knows runs."""

    @computed_field  # type: ignore[prop-decorator]  # pydantic's own documented form; mypy has no rule for it
    @property
    def unexplained(self) -> Decimal:
        """What is left: must be zero."""
        return self.other - self.ledger - self.explained


class Reconciliation(BaseModel):
    """The ledger of one engine's measurement against an independent source."""

    model_config = ConfigDict(frozen=True)

    source: str
    """Source of the ledger's rows."""
    other: str
    """The independent source."""
    state: Literal["agrees", "differs", "not checked"]
    lines: tuple[Line, ...] = ()
    notes: tuple[str, ...] = ()
    """What the reader must know: why it was not checked, runs of nobody, exchanges that could not be read."""
    blind_spots: tuple[str, ...] = Field(default=())
    """What neither of the two can see."""


def state_of(lines: Iterable[Line], problems: Iterable[str]) -> Literal["agrees", "differs"]:
    """`agrees` when nothing is left unexplained and no problem was noted."""
    clean = not any(line.unexplained or line.where for line in lines) and not any(problems)
    return "agrees" if clean else "differs"


def against_meter(units: Iterable[Unit], meter: Mapping[str, Decimal], rules: Rulebook) -> tuple[Line, ...]:
    """Compare units with a meter that counts by kind, without runs.

    Args:
        units: the ledger of the measurement.
        meter: what the server metered, by the meter's own names.
        rules: the engine's rulebook, which knows those names. A name it does not know becomes a kind of its own, all
            of it unexplained.

    Returns:
        One line per kind. Named corrections: a rule of reading `upper` that has a meter name is counted by this meter
        but not by the documents; a documented rule without a meter name is billed but not metered here.
    """
    ledger: dict[str, Decimal] = {}
    explained: dict[str, Decimal] = {}
    names: dict[str, set[str]] = {}
    for unit in units:
        rule = rules.rule(unit.rule)
        if unit.reading == "documented":
            ledger[unit.kind] = ledger.get(unit.kind, Decimal(0)) + unit.quantity
        if (unit.reading == "documented") != bool(rule.meter):
            correction = unit.quantity if rule.meter else -unit.quantity
            explained[unit.kind] = explained.get(unit.kind, Decimal(0)) + correction
            names.setdefault(unit.kind, set()).add(rule.id)
    metered: dict[str, Decimal] = {}
    for name, count in meter.items():
        kind = rules.metered_kind(name) or f"unknown to the rulebook: {name}"
        metered[kind] = metered.get(kind, Decimal(0)) + count
    return tuple(
        Line(
            kind=kind,
            ledger=ledger.get(kind, Decimal(0)),
            other=metered.get(kind, Decimal(0)),
            explained=explained.get(kind, Decimal(0)),
            explained_by=tuple(sorted(names.get(kind, ()))),
        )
        for kind in sorted(set(ledger) | set(metered) | set(explained))
    )


def against_runs(
    units: Iterable[Unit],
    other: Mapping[str, Mapping[str, Decimal]],
    late: Mapping[str, Mapping[str, Decimal]],
    *,
    late_rule: str,
) -> tuple[Line, ...]:
    """Compare units with a source that counts by run and kind.

    Args:
        units: the ledger of the measurement; both readings are compared.
        other: run → kind → units.
        late: the part of `other` that the engine could not take any more, by run and kind: a named correction.
        late_rule: the name of that correction.

    Returns:
        One line per kind, each with the runs in which the two differ, also where sums agree by accident.
    """
    ledger: dict[tuple[str, str], Decimal] = {}
    for unit in units:
        ledger[unit.run, unit.kind] = ledger.get((unit.run, unit.kind), Decimal(0)) + unit.quantity
    theirs = {(run, kind): count for run, kinds in other.items() for kind, count in kinds.items()}
    excused = {(run, kind): count for run, kinds in late.items() for kind, count in kinds.items()}
    lines = []
    for kind in sorted({key[1] for key in ledger | theirs}):
        runs = {key[0] for key in ledger | theirs if key[1] == kind}
        mine = {run: ledger.get((run, kind), Decimal(0)) for run in runs}
        seen = {run: theirs.get((run, kind), Decimal(0)) for run in runs}
        explained = {run: excused.get((run, kind), Decimal(0)) for run in runs}
        lines.append(
            Line(
                kind=kind,
                ledger=sum(mine.values(), Decimal(0)),
                other=sum(seen.values(), Decimal(0)),
                explained=sum(explained.values(), Decimal(0)),
                explained_by=(late_rule,) if any(explained.values()) else (),
                where=tuple(sorted(run for run in runs if seen[run] - explained[run] != mine[run])),
            )
        )
    return tuple(lines)
