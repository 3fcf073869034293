"""Scenarios in a projection: which were measured, how many tasks they hit."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from durameter.cost.projection.draws import Hits
from durameter.cost.projection.records import ReadingName, ScenarioUsed
from durameter.cost.scenarios import ScenarioEffect
from durameter.errors import UsageError

__all__ = ["draw_hits", "notes_on", "parse_scenarios", "used"]

Floats = NDArray[np.float64]

_SHARE = re.compile(r"^\s*(\d+(?:\.\d+)?|\.\d+)\s*(%?)\s*$")


def parse_scenarios(texts: Sequence[str], effects: Sequence[ScenarioEffect]) -> dict[str, float | None]:
    """Scenario → share of the month's tasks, or None for its own, from words such as `outage` or `outage=0.5%`.

    Raises:
        UsageError: one was not measured, is given twice, or its share is not between 0 and 1.
    """
    names = list(dict.fromkeys(effect.name for effect in effects))
    shares: dict[str, float | None] = {}
    for text in texts:
        name, equals, share = text.partition("=")
        if name not in names:
            known = f"It has: {', '.join(names)}." if names else "It has none."
            raise UsageError(
                f"This result has no measured scenario {name!r}. {known} `durameter scenarios RESULT` measures them."
            )
        if name in shares:
            raise UsageError(f"The scenario {name!r} is given twice.")
        shares[name] = _share(text, share) if equals else None
    return shares


def _share(text: str, share: str) -> float:
    found = _SHARE.match(share)
    value = float(found[1]) / (100 if found[2] else 1) if found else -1.0
    if not 0 <= value <= 1:
        raise UsageError(f"{text!r}: the share of the month's tasks is a number from 0 to 1, or 0% to 100%.")
    return value


def draw_hits(
    effects: Sequence[ScenarioEffect], shares: Mapping[str, float | None], reading: ReadingName, draws: int, seed: int
) -> tuple[Hits, ...]:
    """What the chosen scenarios add to one engine, in one reading.

    Args:
        effects: of this engine.
        shares: scenario → share, or None for its own.
        reading: which.
        draws: how many.
        seed: chance is the same in all readings; how many tasks are hit is the same on all engines.
    """
    found = []
    for number, (name, share) in enumerate(shares.items()):
        for effect in effects:
            if effect.name == name:
                uniform = np.random.default_rng([seed, 2, number]).uniform(size=draws)
                hit = effect.default_share if share is None else share
                extra = effect.readings[reading].extra_mean
                found.append(Hits(hit, extra, _extras(effect, reading, draws, seed, number), uniform))
    return tuple(found)


def _extras(effect: ScenarioEffect, reading: ReadingName, draws: int, seed: int, number: int) -> Floats:
    """Mean extra units per task that is hit.

    t-distributed about what was measured; where the retry policy draws its waits, about any mean between that of the
    shortest and of the longest ones.
    """
    extra = effect.readings[reading]
    rng = np.random.default_rng([seed, 3, number, *effect.engine.encode()])
    freedom = extra.freedom or max(effect.clusters - 1, 1)  # without an error it changes nothing
    normal, chi = rng.standard_normal(draws), rng.chisquare(freedom, draws)
    middle = np.full(draws, extra.extra_mean)
    if extra.low is not None and extra.high is not None:
        middle = rng.uniform(min(extra.low, extra.high), max(extra.low, extra.high), draws)
    error = extra.extra_error or 0.0
    return middle + error * normal / np.sqrt(chi / freedom)


def used(effects: Sequence[ScenarioEffect], shares: Mapping[str, float | None]) -> tuple[ScenarioUsed, ...]:
    """The chosen scenarios of one engine, as they are shown."""
    chosen = [(effect, shares[effect.name]) for effect in effects if effect.name in shares]
    return tuple(
        ScenarioUsed(
            name=effect.name,
            description=effect.description,
            share=effect.default_share if share is None else share,
            why=effect.why if share is None else "as asked",
            extra_units=_decimal(effect.readings["documented"].extra_mean),
            extra_error=None if (error := effect.readings["documented"].extra_error) is None else _decimal(error),
            tasks=effect.n,
            extrapolated=effect.extrapolated,
            notes=notes_on(effect),
        )
        for effect, share in chosen
    )


def notes_on(effect: ScenarioEffect) -> tuple[str, ...]:
    """What is not as in production, what was left out, and what open questions would add."""
    documented, upper = (effect.readings[name].extra_mean for name in ("documented", "upper"))
    opened = (
        f"{upper:.3g} {effect.unit}s per task that is hit if open questions are billed" if upper != documented else ""
    )
    return tuple(filter(None, [opened, effect.differs, *effect.notes]))


def _decimal(value: float) -> Decimal:
    return Decimal(str(round(value, 4)))
