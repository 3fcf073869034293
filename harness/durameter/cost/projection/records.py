"""What a projection found: the models that every format shows and that `--json` prints."""

from datetime import date
from decimal import Decimal
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from durameter.cost.prices import LimitHit, Source

__all__ = [
    "SCHEMA_VERSION",
    "BookUsed",
    "CapacityRow",
    "Crossover",
    "CurvePoint",
    "EngineProjection",
    "MixUsed",
    "MonthAhead",
    "PlanMonth",
    "Projection",
    "Quantiles",
    "ReadingProjection",
    "ScenarioUsed",
    "Sensitivity",
    "json_schema",
]

SCHEMA_VERSION: Final = 1

ReadingName = Literal["documented", "upper", "lower"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Quantiles(_Record):
    """Of the draws: one in twenty months is below `p5`, one in two below `p50`, one in twenty above `p95`."""

    p5: Decimal
    p50: Decimal
    p95: Decimal

    @property
    def sure(self) -> bool:
        """Whether nothing varies."""
        return self.p5 == self.p95


class PlanMonth(_Record):
    """One month on one plan, over all draws."""

    plan: str
    """The plan's id."""
    name: str
    estimate: bool
    """The vendor's estimate, not an offer: never chosen."""
    dollars: Quantiles | None
    """None when more than one draw in twenty has no price; `why_not` says why."""
    why_not: str
    without_price: float
    """Share of the draws that have no price on this plan, 0 to 1."""
    cheapest: float
    """Share of the draws in which this plan is the cheapest with a price, 0 to 1; estimates do not compete."""
    omitted: tuple[str, ...] = ()
    """What the plan may charge and could not be priced, with why; none of it is in the dollars."""
    limits: tuple[LimitHit, ...] = ()
    """Limits of the plan that the month at the middle of the draws meets, with what lifts them."""


class ReadingProjection(_Record):
    """One engine by one reading of its billing rules."""

    reading: ReadingName
    units_per_task: Quantiles
    """Mean over a month's tasks."""
    units: Quantiles
    """Units per month."""
    plans: tuple[PlanMonth, ...]
    """In the book's order; empty when there are no prices."""
    plan: str
    """Id of the plan with the lowest median among those that have a price in at least 19 of 20 draws; empty if none."""
    why_none: str
    """Why no plan is chosen; empty if one is."""
    dollars: Quantiles | None
    """On the chosen plan."""
    dollars_per_task: Quantiles | None
    dollars_next_task: Decimal | None
    """What one more task a month costs on the chosen plan, at the middle of the draws."""

    @property
    def chosen(self) -> PlanMonth | None:
        """The chosen plan's month."""
        return next((each for each in self.plans if each.plan == self.plan), None)


class BookUsed(_Record):
    """The price book behind the dollars."""

    id: str
    vendor: str
    currency: str
    effective_from: date
    checked: date
    """The day on which its figures were last compared with its sources."""
    chosen: str
    """Why this one, in words: asked for, or in force on the day of the measurement."""
    sources: tuple[Source, ...]


class CurvePoint(_Record):
    """The month at one volume, by the documented reading."""

    volume: Decimal
    """Tasks per month."""
    units: Quantiles
    plans: dict[str, Quantiles | None]
    """Plan id → dollars; None where it has no price."""
    plan: str
    """Id of the cheapest plan; empty if none has a price."""


class MonthAhead(_Record):
    """One month of a growing volume, by the documented reading, on the plan that is cheapest in that month."""

    month: int = Field(ge=1)
    volume: Quantiles
    units: Quantiles
    plan: str
    dollars: Quantiles | None
    why_none: str


class ScenarioUsed(_Record):
    """A scenario that is in the figures."""

    name: str
    description: str
    share: float
    """Of the month's tasks, 0 to 1."""
    why: str
    """Where the share comes from."""
    extra_units: Decimal
    """Mean units that it adds to a task that is hit, by the documented reading."""
    extra_error: Decimal | None
    """Standard error of that mean; None if the tasks were too few to tell."""
    tasks: int
    extrapolated: bool
    notes: tuple[str, ...] = ()
    """What is not as in production, what was left out, and what open questions would add."""


class CapacityRow(_Record):
    """One line about storage or capacity."""

    what: str
    value: str
    why: str
    """What it follows from."""


class EngineProjection(_Record):
    """One engine, one variant."""

    engine: str
    unit: str
    variant: str
    troubles: tuple[str, ...]
    """What stands against believing the figures, in words, most serious first."""
    refused: str
    """Why there are no dollars although there are prices; empty if there are dollars."""
    tasks: int
    """Tasks that the figures rest on."""
    clusters: int
    """Groups of them that are alike; as many as tasks when each is like no other."""
    exact: bool
    """Nothing that was measured varies: no figure has an interval."""
    book: BookUsed | None
    why_no_book: str
    scenarios: tuple[ScenarioUsed, ...]
    readings: tuple[ReadingProjection, ...]
    """Documented first; upper and lower only where an open question touches this measurement. Empty if nothing was
    counted."""
    curve: tuple[CurvePoint, ...]
    months: tuple[MonthAhead, ...]
    all_months: Quantiles | None
    """Dollars of all months together, each on its cheapest plan; None if a month has no price, or there is only
    one."""
    capacity: tuple[CapacityRow, ...]
    """Storage and capacity at the volume, in words; what was not measured is not in it, and `not_covered` says so."""
    near: tuple[str, ...]
    """Limits of the chosen plan (of the first, if none is chosen) that the month meets or comes near to, with what
    lifts them, one sentence each."""
    usage: dict[str, Decimal | None]
    """What the month meets beside units, from what was measured: gigabyte-hours, events, rates. None is not known,
    and not zero."""
    assumptions: tuple[str, ...]
    """What storage and capacity rest on."""
    not_covered: tuple[str, ...]

    def reading(self, name: ReadingName) -> ReadingProjection | None:
        """The figures of one reading; those of `documented` where no open question makes a difference."""
        found = {each.reading: each for each in self.readings}
        return found.get(name, found.get("documented"))


class Crossover(_Record):
    """Where one becomes cheaper than the other as the volume grows, at the middle of the draws."""

    between: Literal["engines", "plans"]
    engine: str
    """The engine whose plans these are; empty between engines."""
    first: str
    """Plan id or engine that is cheaper below `volume` (everywhere, where `volume` is None)."""
    second: str
    """The one that is cheaper above it."""
    volume: Decimal | None
    """Tasks per month; None if there is no such volume within the range that was searched."""
    units: Decimal | None
    """Units per month of `engine` at that volume; None between engines."""
    dollars: Decimal | None
    """What both cost there; None at a step, where they never cost the same."""
    searched: tuple[Decimal, Decimal]
    """Tasks per month that were searched, from and to."""
    words: str


class Sensitivity(_Record):
    """What the month would cost more or less if one thing were different."""

    kind: Literal["covariate", "retries", "scenario", "open_question", "variant"]
    engine: str
    name: str
    """Of the covariate, scenario, question or other measurement."""
    what: str
    """In words: "one more model call on average"."""
    units_per_task: Quantiles
    """Change of the mean."""
    dollars: Quantiles | None
    """Change of the month on the cheapest plan before and after; None if either has no price."""
    plan: str
    """Id of the cheapest plan then; empty if none has a price."""
    note: str = ""
    """What to know about it, such as that it is extrapolated, or that the measurement cannot tell it."""


class MixUsed(_Record):
    """Which tasks the month is made of."""

    name: str
    """`measured`, `cases`, `repeat`, or the file."""
    words: str
    covariates: dict[str, float]
    """Mean per task."""
    tasks: int
    """Rows that it rests on."""
    imputed: tuple[str, ...] = ()
    """Covariates that the mix does not say and that go along with the others as they did in the measurement."""


class Projection(_Record):
    """A month at a volume: units and dollars per engine and plan, as a distribution."""

    schema_version: Literal[1] = SCHEMA_VERSION
    measurement: str
    workload: str
    measured: date
    headline: str
    """What to know first: whether the counts can be trusted, and what they rest on."""
    trusted: bool
    """Whether the headline has nothing to complain of."""
    volume: Decimal
    """Tasks in the (first) month."""
    growth: tuple[Decimal, Decimal]
    """Per month, lowest and highest that are drawn: 0.05 is 5 %."""
    mix: MixUsed
    draws: int
    seed: int
    engines: tuple[EngineProjection, ...]
    cheaper: dict[str, float]
    """Engine → share of the draws in which its cheapest plan is the cheapest of all; empty with fewer than two priced
    engines."""
    crossovers: tuple[Crossover, ...]
    sensitivities: tuple[Sensitivity, ...]
    assumptions: tuple[str, ...]
    not_covered: tuple[str, ...]


def json_schema() -> dict[str, Any]:
    """The JSON Schema of `durameter project --json`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Projection.model_json_schema(mode="serialization"),
    }
