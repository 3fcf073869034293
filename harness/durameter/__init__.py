"""Durameter counts what an agent costs on durable-execution engines, from the servers' own records.

This is the public API: what it exports is what a workload or a script of your own may use.
Each name is imported when it is first asked for: pytest imports this package in every project, for its plug-in, and it
should neither take time there nor show the warnings of SDKs.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from durameter.engines.inngest.session import InngestSession, wait_for_runs
    from durameter.engines.temporal.session import TemporalSession
    from durameter.processes.asgi import serve_app
    from durameter.results.folder import Result, read_result
    from durameter.retries import RetryPolicy
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
    "wait_for_runs",
]

_PLACES = {
    "Driver": "durameter.workload",
    "Implementation": "durameter.workload",
    "InngestSession": "durameter.engines.inngest.session",
    "Measured": "durameter.workload",
    "Outage": "durameter.workload",
    "Result": "durameter.results.folder",
    "RetryPolicy": "durameter.retries",
    "RunContext": "durameter.workload",
    "Scenario": "durameter.workload",
    "Task": "durameter.workload",
    "TaskFailedError": "durameter.workload",
    "TemporalSession": "durameter.engines.temporal.session",
    "Workload": "durameter.workload",
    "read_result": "durameter.results.folder",
    "serve_app": "durameter.processes.asgi",
    "wait_for_runs": "durameter.engines.inngest.session",
}

if not TYPE_CHECKING:  # a type checker knows every name, and that there are no others

    def __getattr__(name: str) -> object:
        """Import a public name."""
        if name not in _PLACES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        # As the statement does it, and not by importlib: the sandbox of Temporal's workflows watches the statement.
        value = getattr(__import__(_PLACES[name], fromlist=[name]), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
