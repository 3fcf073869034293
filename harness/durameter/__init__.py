"""Durameter counts what an agent costs on durable-execution engines, from the servers' own records.

This is the public API: what it exports is what a workload or a script of your own may use.
"""

from durameter.engines.inngest import InngestSession
from durameter.engines.temporal import TemporalSession
from durameter.measure.folder import Result, read_result
from durameter.retries import RetryPolicy
from durameter.web import serve_app
from durameter.workload import (
    Driver,
    Implementation,
    Measured,
    Outage,
    RunContext,
    Scenario,
    Task,
    TaskFailedError,
    Workload,
)

__all__ = [
    "Driver",
    "Implementation",
    "InngestSession",
    "Measured",
    "Outage",
    "Result",
    "RetryPolicy",
    "RunContext",
    "Scenario",
    "Task",
    "TaskFailedError",
    "TemporalSession",
    "Workload",
    "read_result",
    "serve_app",
]
