"""Scenarios: bad days that are run for real, and what they add to a task that they hit."""

from durameter.cost.scenarios.effect import Extra, Reading, ScenarioEffect
from durameter.cost.scenarios.effects import Effects, effects_of, read_effects, read_effects_and_problems

__all__ = ["Effects", "Extra", "Reading", "ScenarioEffect", "effects_of", "read_effects", "read_effects_and_problems"]
