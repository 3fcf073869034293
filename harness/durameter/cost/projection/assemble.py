"""The projection itself: from a result and a question to a month's bill."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from durameter.cost.capacity import assumptions as capacity_assumptions
from durameter.cost.prices import Plan, PriceBook, load_books
from durameter.cost.prices.books import Pricing
from durameter.cost.projection.ask import Ask, monthly_volumes
from durameter.cost.projection.crossover import crossovers
from durameter.cost.projection.draws import EngineDraws, ShapeModel, draw_engines, fit_shapes
from durameter.cost.projection.mix import Mix, named_mix, parse_mix
from durameter.cost.projection.months import Chance, curve, curve_volumes, exact, months_ahead, read
from durameter.cost.projection.pricing import (
    Dollars,
    Pricer,
    check_books,
    check_plans,
    choose_book,
    choose_plans,
    demand_of,
    near,
    quantities,
    rows,
)
from durameter.cost.projection.records import EngineProjection, MixUsed, Projection, Sensitivity
from durameter.cost.projection.sample import (
    Sample,
    check_comparable,
    differences,
    headline,
    pairs,
    refused,
    sample,
    troubles,
)
from durameter.cost.projection.scenarios import draw_hits, notes_on, parse_scenarios, used
from durameter.cost.projection.sensitivity import Base, by_covariate, by_question, by_retries, by_scenario, by_variant
from durameter.cost.scenarios import ScenarioEffect, read_effects_and_problems
from durameter.errors import DurameterError, UsageError
from durameter.registry import answered_rulebook
from durameter.results.folder import Result
from durameter.results.model import EngineResult
from durameter_collectors.units import Unit

__all__ = [
    "Part",
    "assumptions",
    "draw",
    "not_covered",
    "not_covered_on",
    "parts_of",
    "pricers",
    "project",
]

# What a projection works with: samples, draws and prices, for every engine of every measurement involved.


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
    units = [u for u in result.ledger if (u.engine, u.variant) == (engine.engine, engine.variant)]
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
    check_books(ask.books, list(dict.fromkeys(each.engine for each in engines)), books)
    chosen = {
        name: choose_book(name, measured, Pricing(books=tuple(books), asked=tuple(ask.books), on=ask.on))
        for name in dict.fromkeys(each.engine for each in engines)
    }
    check_plans(ask.plans, [each[0] for each in chosen.values() if not isinstance(each, str)])
    found: dict[tuple[str, str], Pricer | str] = {}
    for each in engines:
        key, book = (each.engine, each.variant), chosen[each.engine]
        if why := refused(sample(each)):
            found[key] = why
        elif isinstance(book, str):
            found[key] = book
        else:
            found[key] = Pricer(book[0], book[1], choose_plans(book[0], ask.plans), demand_of(each, ask))
    return found


# What a projection rests on and what is not in it, in words.


def assumptions(ask: Ask, mix: MixUsed) -> tuple[str, ...]:
    """What the figures rest on, one sentence each."""
    return tuple(_assumptions(ask, mix))


def _assumptions(ask: Ask, mix: MixUsed) -> Iterator[str]:
    yield f"Mix {mix.name}: {mix.words}."
    if mix.imputed:
        yield (
            f"The mix does not say {', '.join(mix.imputed)}: they go along with {', '.join(mix.covariates)} as they "
            "did in the measured tasks (units were fitted by what the mix says alone)."
        )
    yield (
        f"p5, p50 and p95 are of {ask.draws:,} draws (seed {ask.seed}) of what the measurement leaves open: the mean "
        "of the tasks, the units of their shapes, the scenarios asked for, and the chance in a month of finitely many "
        "tasks. Every draw is priced; none of the dollars is the price of a mean."
    )
    yield (
        "The chosen plan has the lowest median among the published offers with a price in at least 19 of 20 draws; an "
        "estimate by the vendor is never chosen."
    )
    yield (
        "Nothing else is on the account: what it runs already takes up included units and moves the tiers. List prices "
        "without discounts, commitments and tax."
    )
    if ask.months > 1:
        low, high = (f"{rate:.4%}".rstrip("0%").rstrip(".") + " %" for rate in ask.growth)
        rate = low if low == high else f"{low} to {high}"
        yield f"The volume grows by {rate} a month; every month is priced by itself."
    if not ask.scenarios:
        yield "A month without bad days: faults are at the rate of the measurement, and no scenario is in the figures."
    yield (
        "Storage, events and rates go along with the units: a month has those of as many measured tasks as have its "
        "units. By draw, storage and events vary; rates, limits and add-ons are those of the middle draw."
    )


def not_covered(
    effects: Sequence[ScenarioEffect], shares: Mapping[str, float | None], problems: Sequence[str]
) -> tuple[str, ...]:
    """What is not in the figures of any engine."""
    said = [f"scenario {problem}" for problem in problems]
    said += [
        f"how sure the effect of {effect.name} on {effect.engine} is: {effect.n} tasks of one group do not tell"
        for effect in effects
        if effect.readings["documented"].extra_error is None
    ]
    left = list(dict.fromkeys(effect.name for effect in effects if effect.name not in shares))
    if left:
        said.append(f"scenarios that were measured and not asked for: {', '.join(left)} (--scenario puts them in)")
    elif not effects and not problems:
        said.append("outages, rate-limit storms, crashes and runaway loops: no scenario was measured for this result")
    said.append("the model's, the tools' and your own servers' costs: only what the engine's vendor bills is here")
    return tuple(said)


def not_covered_on(part: Part) -> tuple[str, ...]:
    """What is not in the figures of one engine."""
    said = []
    if part.why_no_model:
        said.append(f"what one more turn or call costs: {part.why_no_model}")
    if part.model is not None:
        said += dict.fromkeys(part.model.warnings)
    return tuple(said)


_Key = tuple[str, str]


@dataclass(frozen=True)
class _Engine:
    """One engine with all that is known of it."""

    part: Part
    draws: EngineDraws
    pricer: Pricer | None


def project(result: Result, ask: Ask, books: Sequence[PriceBook] | None = None) -> Projection:
    """Project a measurement to a month's units and dollars, as a distribution.

    Args:
        result: the measurement with its ledger.
        ask: volume, mix, scenarios, prices.
        books: price books to choose from; by default those that come with Durameter.

    Raises:
        UsageError: what is asked for does not exist, cannot be compared, or the mix does not fit the measurement.
        ResultError: a scenario of the result cannot be read.
    """
    measurement = result.measurement
    measured = [each for each in measurement.engines if sample(each).tasks]
    if not measured:
        raise UsageError(
            f"{measurement.id} has no counted task, so that there is nothing to project. `durameter report` says why."
        )
    for other in ask.against:
        check_comparable(measurement, other.measurement, other.measurement.id)
    mix = parse_mix(ask.mix, sample(measured[0]))
    bad_days = read_effects_and_problems(result)
    effects = bad_days.effects
    shares = parse_scenarios(ask.scenarios, effects)
    others = [(mine, other, each) for other in ask.against for mine, each in pairs(measured, other.measurement.engines)]
    parts = [parts_of(result, each, mix) for each in measured]
    parts += [parts_of(other, each, mix) for _, other, each in others]
    date = measurement.started.date()
    prices = pricers([part.engine for part in parts], date, ask, load_books() if books is None else books)
    drawn = draw(parts, mix, effects, shares, ask)
    every = [_Engine(part, each, _priced(prices[_key(part.engine)])) for part, each in zip(parts, drawn, strict=True)]
    engines, compared = every[: len(measured)], every[len(measured) :]
    chance = _chance(ask)
    found, best = _engines(engines, chance, ask, effects, shares, prices)
    samples = [sample(each) for each in measurement.engines]
    first, trusted = headline(measurement, samples)
    changed = [change for each in engines for change in _sensitivities(each, chance, ask, effects, shares)]
    by_key = {_key(each.part.engine): each for each in engines}
    for (mine, other, each), against in zip(others, compared, strict=True):
        base = _base(by_key[_key(mine)], chance, ask)
        what = differences(result, mine, other, each)
        changed.append(by_variant(base, against.draws, against.pricer, other.measurement.id, what))
    shown_mix = _mix(mix, parts[0])
    return Projection(
        measurement=measurement.id,
        workload=measurement.workload,
        measured=date,
        headline=first,
        trusted=trusted,
        volume=ask.volume,
        growth=ask.growth,
        mix=shown_mix,
        draws=ask.draws,
        seed=ask.seed,
        engines=(*found, *(_unmeasured(each) for each in measurement.engines if not sample(each).tasks)),
        cheaper=_cheaper(best) if _one_currency(engines) else {},
        crossovers=crossovers(
            [(e.part.engine.engine, e.pricer, e.draws.series[0]) for e in engines if e.pricer], ask.volume
        ),
        sensitivities=tuple(changed),
        assumptions=assumptions(ask, shown_mix),
        not_covered=not_covered(effects, shares, bad_days.problems),
    )


def _key(engine: EngineResult) -> _Key:
    return engine.engine, engine.variant


def _priced(found: Pricer | str) -> Pricer | None:
    return None if isinstance(found, str) else found


def _chance(ask: Ask) -> Chance:
    rng = np.random.default_rng([ask.seed, 5])
    volumes = monthly_volumes(ask.volume, ask.growth, ask.months, ask.draws, rng)
    return Chance(volumes, rng.standard_normal((ask.months, ask.draws)))


def _engines(
    engines: Sequence[_Engine],
    chance: Chance,
    ask: Ask,
    effects: Sequence[ScenarioEffect],
    shares: Mapping[str, float | None],
    prices: Mapping[_Key, Pricer | str],
) -> tuple[list[EngineProjection], dict[str, Dollars]]:
    found: list[EngineProjection] = []
    best: dict[str, Dollars] = {}
    for each in engines:
        engine, pricer, series = each.part.engine, each.pricer, each.draws.series
        read_all = [read(one, ask.volume, chance, pricer) for one in series]
        if (dollars := read_all[0][1]) is not None:
            best[engine.engine] = dollars
        months, together = months_ahead(series[0], chance, pricer)
        why, wanted, first = prices[_key(engine)], demand_of(engine, ask), read_all[0][0]
        units = first.units.p50
        plan = _plan(pricer, first.plan)
        found.append(
            EngineProjection(
                engine=engine.engine,
                unit=engine.unit,
                variant=engine.variant,
                troubles=troubles(each.part.sample),
                refused=refused(each.part.sample),
                tasks=len(each.part.sample.tasks),
                clusters=each.part.sample.groups,
                exact=exact(each.draws),
                book=pricer.used if pricer is not None else None,
                why_no_book=why if isinstance(why, str) else "",
                scenarios=used(effects_on(engine, effects), shares),
                readings=tuple(reading for reading, _ in read_all),
                curve=curve(series[0], curve_volumes(ask.volume), chance, pricer),
                months=months,
                all_months=together,
                capacity=rows(wanted),
                near=near(wanted, plan, units) if plan is not None else (),
                usage=dict(quantities(wanted, units)),
                assumptions=capacity_assumptions(wanted),
                not_covered=not_covered_on(each.part),
            )
        )
    return found, best


def _plan(pricer: Pricer | None, name: str) -> Plan | None:
    """The chosen plan, or the first where none is chosen."""
    if pricer is None:
        return None
    return next((plan for plan in pricer.plans if plan.id == name), pricer.plans[0])


def _unmeasured(engine: EngineResult) -> EngineProjection:
    """An engine without a counted task: nothing but why."""
    return EngineProjection(
        engine=engine.engine,
        unit=engine.unit,
        variant=engine.variant,
        troubles=troubles(sample(engine)),
        refused=refused(sample(engine)),
        tasks=0,
        clusters=0,
        exact=False,
        book=None,
        why_no_book="nothing was counted",
        scenarios=(),
        readings=(),
        curve=(),
        months=(),
        all_months=None,
        capacity=(),
        near=(),
        usage={},
        assumptions=(),
        not_covered=(),
    )


def _one_currency(engines: Sequence[_Engine]) -> bool:
    """Whether the dollars of the engines may be compared."""
    return len({each.pricer.book.currency for each in engines if each.pricer is not None}) < 2


def _cheaper(best: Mapping[str, Dollars]) -> dict[str, float]:
    """Share of the draws in which each engine's chosen plan is the cheapest."""
    amounts = {name: found.best for name, found in best.items()}
    priced = {name: each for name, each in amounts.items() if each is not None}
    if len(priced) < 2:
        return {}
    least = np.argmin(np.array(list(priced.values())), axis=0)
    return {name: float(np.mean(least == number)) for number, name in enumerate(priced)}


def _mix(mix: Mix, first: Part) -> MixUsed:
    imputed = () if mix.own else tuple(name for name in first.sample.covariate_names if name not in mix.names)
    return MixUsed(name=mix.name, words=mix.words, covariates=mix.means, tasks=len(mix.weights), imputed=imputed)


def _base(each: _Engine, chance: Chance, ask: Ask) -> Base:
    return Base(each.draws, ask.volume, chance, each.pricer)


def _sensitivities(
    each: _Engine, chance: Chance, ask: Ask, effects: Sequence[ScenarioEffect], shares: Mapping[str, float | None]
) -> Iterator[Sensitivity]:
    base, part = _base(each, chance, ask), each.part
    if part.model is not None:
        with suppress(UsageError):  # too few tasks for a marginal: the engine's `not_covered` says it
            yield from by_covariate(base, part.model, ask.seed)
    if (retries := by_retries(base, part.units)) is not None:
        yield retries
    yield from by_question(
        base, part.units, answered_rulebook(part.engine.engine, {part.engine.engine: part.engine.answers})
    )
    mine = effects_on(part.engine, effects)
    rest: dict[str, float | None] = {effect.name: None for effect in mine if effect.name not in shares}
    hits = draw_hits(mine, rest, "documented", ask.draws, ask.seed)
    notes = {effect.name: "; ".join(notes_on(effect)) for effect in mine}
    yield from by_scenario(base, dict(zip(rest, hits, strict=True)), notes)
