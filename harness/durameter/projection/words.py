"""What a projection rests on and what is not in it, in words."""

from collections.abc import Iterator, Mapping, Sequence

from durameter.projection.ask import Ask
from durameter.projection.prepare import Part
from durameter.projection.records import MixUsed
from durameter.scenarios import ScenarioEffect

__all__ = ["assumptions", "not_covered", "not_covered_on"]


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
