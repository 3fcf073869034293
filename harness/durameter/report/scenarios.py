"""Scenarios as documents: what is offered, and what they came to."""

from collections.abc import Collection, Sequence

from durameter.cost.scenarios.effect import READINGS, Extra, ScenarioEffect
from durameter.cost.scenarios.effects import Effects
from durameter.report.document import Block, Bullets, Column, Document, Paragraph, Section, Table
from durameter.workload import Scenario

__all__ = ["effects_document", "offer_document"]


def offer_document(scenarios: Sequence[Scenario], done: Collection[str]) -> Document:
    """Which scenarios there are, and which of them have been run."""
    if not scenarios:
        return Document((Paragraph("This workload offers no scenarios with these options."),))
    blocks: list[Block] = []
    for each in scenarios:
        lines = [
            each.description,
            f"hits {each.default_share:.3%} of a month's tasks, if nobody says otherwise: {each.why}",
        ]
        if each.differs:
            lines.append(f"not as in production: {each.differs}")
        name = f"{each.name} ({'run' if each.name in done else 'not run yet'})"
        blocks.append(Section(name, (Bullets(tuple(lines), "info", bare=True),)))
    return Document(tuple(blocks), "Scenarios")


def effects_document(found: Effects) -> Document:
    """One table, and what must be said of its figures."""
    blocks: list[Block] = []
    if found.effects:
        units = dict.fromkeys(f"{each.engine}: {each.unit}s" for each in found.effects)
        heading = f"Extra units of a task that is hit ({', '.join(units)})"
        blocks.append(Section(heading, (_effects(found.effects),)))
    notes = [f"{each.name}, {each.engine}: {note}" for each in found.effects for note in _notes(each)]
    blocks += [
        Bullets(tuple(notes), "info", bare=True),
        Bullets(found.problems, "error", bare=True, indent=0),
    ]
    return Document(tuple(blocks), "Effects of scenarios")


def _effects(effects: Sequence[ScenarioEffect]) -> Table:
    read = [each for each in READINGS if each != "lower" or any(map(_lower_differs, effects))]
    columns = (
        *(Column(name, fit="whole") for name in ("scenario", "engine")),
        *(Column(name, figures=True, fit="whole") for name in ("pairs", *read)),
    )
    rows = tuple(
        (
            each.name + ("*" if each.extrapolated else ""),
            each.engine,
            f"{each.n}",
            *(_extra(each.readings[reading]) for reading in read),
        )
        for each in effects
    )
    return Table(columns, rows)


def _lower_differs(effect: ScenarioEffect) -> bool:
    return effect.readings["lower"] != effect.readings["documented"]


def _notes(effect: ScenarioEffect) -> list[str]:
    if not effect.extrapolated:
        return list(effect.notes)
    measured = (f"{_extra(effect.measured[reading])} {reading}" for reading in READINGS)
    notes = [f"* extrapolated; the short runs had {', '.join(measured)}"]
    upper = effect.readings["upper"]
    if upper.low is not None and upper.high is not None and upper.low != upper.high:
        notes.append(f"upper between {upper.low:+.2f} and {upper.high:+.2f}, by the waits that the server draws")
    return [*notes, *effect.notes]


def _extra(extra: Extra) -> str:
    """Mean and standard error."""
    mean = f"{extra.extra_mean:+.2f}"
    if extra.extra_error is None:
        return f"{mean} ± ?"
    return f"{mean} ± {extra.extra_error:.2f}" if extra.extra_error else mean
