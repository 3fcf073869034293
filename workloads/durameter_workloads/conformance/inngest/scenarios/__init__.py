"""All scenarios, by subject."""

from durameter_workloads.conformance.inngest.scenario import Scenario
from durameter_workloads.conformance.inngest.scenarios import (
    cancelling,
    events,
    failures,
    flow,
    inference,
    invoking,
    limits,
    parallel,
    pauses,
    reruns,
    retries,
    sequences,
    triggers,
    typescript,
)

__all__ = ["SCENARIOS"]

SCENARIOS: tuple[Scenario, ...] = (
    *triggers.SCENARIOS,  # first: one of them waits for a minute to begin
    *sequences.SCENARIOS,
    *parallel.SCENARIOS,
    *pauses.SCENARIOS,
    *invoking.SCENARIOS,
    *events.SCENARIOS,
    *inference.SCENARIOS,
    *retries.SCENARIOS,
    *failures.SCENARIOS,
    *cancelling.SCENARIOS,
    *flow.SCENARIOS,
    *limits.SCENARIOS,
    *reruns.SCENARIOS,
    *typescript.SCENARIOS,
)
"""Names are unique."""
