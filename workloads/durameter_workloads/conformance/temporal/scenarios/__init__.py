"""All scenarios, by subject."""

from durameter_workloads.conformance.temporal.scenario import Scenario
from durameter_workloads.conformance.temporal.scenarios import (
    activities,
    batch,
    changes,
    children,
    local_activities,
    messages,
    nexus,
    resets,
    schedules,
    standalone,
    starts,
    streams,
    timers,
    versioning,
)

__all__ = ["SCENARIOS"]

SCENARIOS: tuple[Scenario, ...] = (
    *starts.SCENARIOS,
    *activities.SCENARIOS,
    *timers.SCENARIOS,
    *local_activities.SCENARIOS,
    *messages.SCENARIOS,
    *children.SCENARIOS,
    *changes.SCENARIOS,
    *resets.SCENARIOS,
    *nexus.SCENARIOS,
    *standalone.SCENARIOS,
    *schedules.SCENARIOS,
    *batch.SCENARIOS,
    *versioning.SCENARIOS,
    *streams.SCENARIOS,
)
"""Names are unique."""
