"""From counts to a month's bill at the user's volume and mix, as a distribution. See docs/projection.md."""

from durameter.cost.projection.ask import Ask, parse_growth
from durameter.cost.projection.assemble import project
from durameter.cost.projection.records import (
    BookUsed,
    CapacityRow,
    Crossover,
    CurvePoint,
    EngineProjection,
    MixUsed,
    MonthAhead,
    PlanMonth,
    Projection,
    Quantiles,
    ReadingProjection,
    ScenarioUsed,
    Sensitivity,
)

__all__ = [
    "Ask",
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
    "parse_growth",
    "project",
]
