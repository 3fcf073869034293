"""Profiles for people as a document, and the record that `--json` prints."""

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from durameter.cost.profile import FIXED, RETRIES, Coefficient, KindLine, Lines, Profile, fit_profile
from durameter.errors import UsageError
from durameter.report.document import (
    BLANK,
    MARKDOWN,
    TERMINAL,
    Block,
    Bullets,
    Column,
    Document,
    Note,
    Paragraph,
    Section,
    Table,
    only,
)
from durameter.results.folder import Result
from durameter_collectors.rulebook import Answer

__all__ = ["Profiles", "build_profiles", "covariate_rows", "profiles_document"]

# Words and figures that every format of a profile uses.

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
            profiles.append(fit_profile(engine, [unit for unit in result.ledger if unit.engine == name]))
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


def profiles_document(profiles: Profiles) -> Document:
    """A section for every profile, and why there is none of the other engines."""
    basis = "± is a standard error, clustered by task; a figure without one is exact."
    incomplete = "" if profiles.state == "complete" else " (incomplete)"
    blocks: list[Block] = [
        Paragraph(f"From measurement `{profiles.measurement}`{incomplete}. {basis}", forms=MARKDOWN),
        *(Note("error", f"{name}: {why}") for name, why in profiles.without.items()),
    ]
    for profile in profiles.profiles:
        why = profiles.unproved.get(profile.engine)
        doubt = (Note("error", f"{profile.engine}: {why}"),) if why else ()
        blocks += [
            *only(TERMINAL, doubt),
            Section(summary(profile), (*only(MARKDOWN, doubt), *_profile(profile))),
            BLANK,
        ]
    return Document(tuple(blocks), f"Profile: {profiles.workload}")


def _profile(profile: Profile) -> list[Block]:
    head, *rows = covariate_rows(profile)
    words = (head[0], head[1])
    marginals = (*map(Column, words), *(Column(name, figures=True) for name in head[len(words) :]))
    kinds = tuple((line.kind, number(line.mean), *line_words(line)) for line in profile.lines("upper").kinds)
    per_kind = (Column("kind", width=22), Column("per task", figures=True), Column("line"), Column(""))
    blocks: list[Block] = [
        Table(marginals, tuple(rows)),
        Table(per_kind, kinds),
        *(Paragraph(line, indent=2) for line in retry_words(profile)),
    ]
    if profile.worst:
        blocks.append(_worst(profile))
    if profile.warnings:
        blocks.append(Bullets(profile.warnings, "warning", title="Before you use it"))
    return blocks


def _worst(profile: Profile) -> Table:
    figures = (Column(name, figures=True) for name in ("units", "its line", "residual", "retries"))
    rows = tuple(
        (task.task, number(task.units), number(task.fitted), f"{task.residual:+.3g}", f"{task.retries}")
        for task in profile.worst
    )
    return Table((Column("worst-fitting task"), *figures), rows)
