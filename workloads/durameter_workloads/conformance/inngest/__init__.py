"""Inngest's conformance suite: `suite` runs it, `SCENARIOS` are its scenarios."""

from durameter_workloads.conformance.inngest.scenarios import SCENARIOS
from durameter_workloads.conformance.inngest.suite import suite

__all__ = ["SCENARIOS", "suite"]
