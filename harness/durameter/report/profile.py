"""Profiles for people: in the terminal, as Markdown, and the record that `--json` prints."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from rich import box
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from durameter.errors import UsageError
from durameter.measure.folder import Result
from durameter.profile import Profile, fit_profile
from durameter.report.profile_words import covariate_rows, line_words, number, retry_words, summary
from durameter.report.templates import markdown
from durameter_collectors.rulebook import Answer

__all__ = ["Profiles", "build_profiles", "profiles_markdown", "show_profiles"]

_MARKED = "bold red"
_WORDS = {"in the sample", "line", ""}
"""Columns that hold words."""


class Profiles(BaseModel):
    """The profiles of one measurement."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    measurement: str
    workload: str
    state: Literal["complete", "incomplete"]
    answers: dict[str, dict[str, Answer]]
    """Open questions that were answered otherwise than by default, by engine."""
    profiles: tuple[Profile, ...]
    without: dict[str, str]
    """Engines without a profile, and why."""
    unproved: dict[str, str]
    """Engines whose count two sources do not agree on, or that were not measured to the end, in words."""


def build_profiles(result: Result, engines: Sequence[str] = ()) -> Profiles:
    """Fit a profile per engine of a measurement.

    Args:
        result: the measurement with its ledger.
        engines: only these; all by default.

    Raises:
        UsageError: an engine is not in the measurement, or none of them has tasks enough.
    """
    measured = {each.engine: each for each in result.measurement.engines}
    unknown = [name for name in engines if name not in measured]
    if unknown:
        raise UsageError(f"{result.folder} has nothing of {', '.join(unknown)}. It has: {', '.join(measured)}.")
    profiles, without, unproved = [], {}, {}
    for name in engines or measured:
        engine = measured[name]
        try:
            profiles.append(fit_profile(engine, [unit for unit in result.units if unit.engine == name]))
        except UsageError as error:
            without[name] = engine.problem or str(error)
            continue
        if any(found.state == "differs" for found in engine.reconciliations):
            unproved[name] = (
                "two sources of its count differ, so do not believe this profile: durameter report says why"
            )
        elif engine.state != "measured":
            unproved[name] = f"not measured to the end: {engine.problem}"
    if not profiles:
        raise UsageError(" ".join(without.values()) or f"{result.folder} holds no engine.")
    return Profiles(
        measurement=result.measurement.id,
        workload=result.measurement.workload,
        state=result.measurement.state,
        answers={name: dict(each.answers) for name, each in measured.items() if each.answers},
        profiles=tuple(profiles),
        without=without,
        unproved=unproved,
    )


def profiles_markdown(profiles: Profiles) -> str:
    """The profiles as GitHub-flavoured Markdown."""
    return markdown("profile.md.j2", found=profiles, **_words())


def _words() -> dict[str, Any]:
    return {
        "covariate_rows": covariate_rows,
        "line_words": line_words,
        "number": number,
        "retry_words": retry_words,
        "summary": summary,
    }


def show_profiles(profiles: Profiles, console: Console) -> None:
    """Print the profiles."""
    for name, why in profiles.without.items():
        console.print(Text(f"{name}: {why}", style=_MARKED))
    for profile in profiles.profiles:
        if profile.engine in profiles.unproved:
            console.print(Text(f"{profile.engine}: {profiles.unproved[profile.engine]}", style=_MARKED))
        console.print(_shown(profile))


def _shown(profile: Profile) -> Group:
    head, *rows = covariate_rows(profile)
    costs = _table(head)
    for row in rows:
        costs.add_row(*map(Text, row))
    kinds = _table(("kind", "per task", "line", ""))
    for line in profile.lines("upper").kinds:
        kinds.add_row(*map(Text, (line.kind, number(line.mean), *line_words(line))))
    parts: list[Any] = [Text(summary(profile), style="bold"), costs, kinds]
    parts += [Text(f"  {words}") for words in retry_words(profile)]
    if profile.worst:
        worst = _table(("worst-fitting task", "units", "its line", "residual", "retries"))
        for task in profile.worst:
            worst.add_row(
                *map(
                    Text,
                    (task.task, number(task.units), number(task.fitted), f"{task.residual:+.3g}", f"{task.retries}"),
                )
            )
        parts.append(worst)
    if profile.warnings:
        points = Table.grid(padding=(0, 1))
        for warning in profile.warnings:
            points.add_row("  -", Text(warning))
        parts += [Text("Before you use it", style="bold"), points]
    return Group(*parts, Text())


def _table(names: Sequence[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, name in enumerate(names):
        words = place == 0 or name in _WORDS
        table.add_column(
            name, justify="left" if words else "right", overflow="fold", min_width=22 if name == "kind" else None
        )
    return table
