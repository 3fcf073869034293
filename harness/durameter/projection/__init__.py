"""From counts to a month's bill at the user's volume and mix, as a distribution. See docs/projection.md."""

from durameter.projection.ask import Ask
from durameter.projection.growth import parse_growth
from durameter.projection.projecting import project
from durameter.projection.records import (
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
