"""Temporal's conformance suite: `suite` runs it, `SCENARIOS` are its scenarios."""

from durameter_workloads.conformance.temporal.scenarios import SCENARIOS
from durameter_workloads.conformance.temporal.suite import suite

__all__ = ["SCENARIOS", "suite"]
