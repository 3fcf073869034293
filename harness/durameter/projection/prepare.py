"""What a projection works with: samples, draws and prices, for every engine of every measurement involved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

from durameter.errors import DurameterError
from durameter.measure.folder import Result
from durameter.measure.result import EngineResult
from durameter.prices import PriceBook
from durameter.projection.ask import Ask
from durameter.projection.bad_days import draw_hits
from durameter.projection.books import choose_book, choose_plans, see_books, see_plans
from durameter.projection.mix import Mix, named_mix
from durameter.projection.monthly import EngineDraws, draw_engines
from durameter.projection.pricing import Pricer, UsageAt
from durameter.projection.sample import Sample, sample
from durameter.projection.shapes import ShapeModel, fit_shapes
from durameter.projection.trust import refused
from durameter.projection.usage import demand_of, usage_at
from durameter.scenarios import ScenarioEffect
from durameter_collectors.units import Unit

__all__ = ["Part", "draw", "parts_of", "pricers"]


@dataclass(frozen=True)
class Part:
    """One engine of one measurement."""

    result: Result
    sample: Sample
    units: Sequence[Unit]
    model: ShapeModel | None
    """Units by shape."""
    why_no_model: str

    @property
    def engine(self) -> EngineResult:
        """As measured."""
        return self.sample.result


def parts_of(result: Result, engine: EngineResult, mix: Mix) -> Part:
    """One engine, with its units by shape for this mix.

    Raises:
        DurameterError: the mix is not the measured tasks themselves, and their units cannot be told by shape.
    """
    found = sample(engine)
    units = [u for u in result.units if (u.engine, u.variant) == (engine.engine, engine.variant)]
    own = named_mix(mix.name, found) if mix.own else mix
    try:
        return Part(result, found, units, fit_shapes(found, units, own.names, own.means), "")
    except DurameterError as error:
        if not mix.own:
            raise
        return Part(result, found, units, None, str(error))


def draw(
    parts: Sequence[Part],
    mix: Mix,
    effects: Sequence[ScenarioEffect],
    shares: Mapping[str, float | None],
    ask: Ask,
) -> list[EngineDraws]:
    """Units per task of every part, jointly, with the scenarios of their engines."""
    drawn = draw_engines([part.sample for part in parts], mix, [part.model for part in parts], ask.draws, ask.seed)
    found = []
    for part, each in zip(parts, drawn, strict=True):
        mine = effects_on(part.engine, effects)
        series = tuple(
            replace(one, hits=draw_hits(mine, shares, one.reading, ask.draws, ask.seed)) for one in each.series
        )
        found.append(EngineDraws(each.sample, series))
    return found


def effects_on(engine: EngineResult, effects: Sequence[ScenarioEffect]) -> list[ScenarioEffect]:
    """Those of one engine and variant."""
    return [each for each in effects if (each.engine, each.variant) == (engine.engine, engine.variant)]


def pricers(
    engines: Sequence[EngineResult], measured: date, ask: Ask, books: Sequence[PriceBook]
) -> dict[tuple[str, str], Pricer | str]:
    """The plans for each engine and variant, or why there are no dollars.

    Raises:
        UsageError: a book or plan that was asked for does not exist.
    """
    see_books(ask.books, list(dict.fromkeys(each.engine for each in engines)), books)
    chosen = {
        name: choose_book(name, measured, books, asked=ask.books, on=ask.on)
        for name in dict.fromkeys(each.engine for each in engines)
    }
    see_plans(ask.plans, [each[0] for each in chosen.values() if not isinstance(each, str)])
    found: dict[tuple[str, str], Pricer | str] = {}
    for each in engines:
        key, book = (each.engine, each.variant), chosen[each.engine]
        if why := refused(sample(each)):
            found[key] = why
        elif isinstance(book, str):
            found[key] = book
        else:
            found[key] = Pricer(book[0], book[1], choose_plans(book[0], ask.plans), _usage(each, ask))
    return found


def _usage(engine: EngineResult, ask: Ask) -> UsageAt:
    return partial(usage_at, demand_of(engine, ask))
