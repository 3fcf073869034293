"""Scenarios on the terminal: what is offered, and what they came to."""

from collections.abc import Collection, Sequence

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from durameter.cost.scenarios.effect import READINGS, Extra, ScenarioEffect
from durameter.cost.scenarios.effects import Effects
from durameter.workload import Scenario

__all__ = ["show_effects", "show_offer"]


def show_offer(scenarios: Sequence[Scenario], done: Collection[str], console: Console) -> None:
    """Which scenarios there are, and which of them have been run."""
    if not scenarios:
        console.print("This workload offers no scenarios with these options.")
    for each in scenarios:
        console.print(Text(each.name, style="bold") + Text(" (run)" if each.name in done else " (not run yet)"))
        _line(console, each.description)
        _line(console, f"hits {each.default_share:.3%} of a month's tasks, if nobody says otherwise: {each.why}")
        if each.differs:
            _line(console, f"not as in production: {each.differs}")


def show_effects(found: Effects, console: Console) -> None:
    """One table, and what must be said of its figures."""
    if found.effects:
        units = dict.fromkeys(f"{each.engine}: {each.unit}s" for each in found.effects)
        table = Table(title=f"Extra units of a task that is hit ({', '.join(units)})", title_justify="left", box=SIMPLE)
        for name in ("scenario", "engine"):
            table.add_column(name, no_wrap=True)
        shown = [each for each in READINGS if each != "lower" or any(map(_lower_differs, found.effects))]
        for name in ("pairs", *shown):
            table.add_column(name, justify="right", no_wrap=True)
        for each in found.effects:
            table.add_row(
                each.name + ("*" if each.extrapolated else ""),
                each.engine,
                str(each.n),
                *(_extra(each.readings[reading]) for reading in shown),
            )
        console.print(table)
    for each in found.effects:
        for note in _notes(each):
            _line(console, f"{each.name}, {each.engine}: {note}")
    for problem in found.problems:
        console.print(Text(problem, style="bold red"), soft_wrap=True)


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


def _line(console: Console, text: str) -> None:
    console.print(Text(f"  {text}", style="dim"), soft_wrap=True)
