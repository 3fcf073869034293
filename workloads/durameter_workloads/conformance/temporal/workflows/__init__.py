"""Workflows, activities and a Nexus service that the scenarios are made of."""

from durameter_workloads.conformance.temporal.workflows.activities import ACTIVITIES
from durameter_workloads.conformance.temporal.workflows.attempts import Attempts, Troubled
from durameter_workloads.conformance.temporal.workflows.change_steps import COLOUR, SIZE
from durameter_workloads.conformance.temporal.workflows.desk import Desk, DeskHandler, Handled, endpoint_of
from durameter_workloads.conformance.temporal.workflows.steps import Steps
from durameter_workloads.conformance.temporal.workflows.stream import Streaming

__all__ = [
    "ACTIVITIES",
    "COLOUR",
    "SIZE",
    "WORKFLOWS",
    "Attempts",
    "Desk",
    "DeskHandler",
    "Handled",
    "Steps",
    "Streaming",
    "Troubled",
    "endpoint_of",
]

WORKFLOWS = (Steps, Attempts, Troubled, Handled, Streaming)
