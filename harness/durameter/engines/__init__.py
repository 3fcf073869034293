"""Engines: the plug-in that brings one, and all that a package with an engine of its own builds it from.

Each name is imported when it is first asked for.
"""

from typing import TYPE_CHECKING

from durameter._lazy import lazy_names

if TYPE_CHECKING:
    from durameter.config import Config, Section
    from durameter.engines.base import Engine, Finding, Progress, RunningServer, Session, TaskCount
    from durameter.engines.counting import Counting, CountRequest, FilesRead, Reading
    from durameter.engines.discovery import Found, Watched, WatchOptions
    from durameter.engines.plugin import EnginePlugin
    from durameter.engines.task_key import TaskKey, safe_id
    from durameter.errors import EngineMissingError, UsageError
    from durameter.results.model import ServerInfo
    from durameter.results.reconcile import Reconciliation
    from durameter.results.writer import ResultWriter
    from durameter.retries import RetryPolicy
    from durameter_collectors.rulebook import Rulebook
    from durameter_collectors.units import Gap, TaskLabel, Unit

__all__ = [
    "Config",
    "CountRequest",
    "Counting",
    "Engine",
    "EngineMissingError",
    "EnginePlugin",
    "FilesRead",
    "Finding",
    "Found",
    "Gap",
    "Progress",
    "Reading",
    "Reconciliation",
    "ResultWriter",
    "RetryPolicy",
    "Rulebook",
    "RunningServer",
    "Section",
    "ServerInfo",
    "Session",
    "TaskCount",
    "TaskKey",
    "TaskLabel",
    "Unit",
    "UsageError",
    "WatchOptions",
    "Watched",
    "safe_id",
]

_HOMES = {
    "durameter.config": ("Config", "Section"),
    "durameter.engines.base": ("Engine", "Finding", "Progress", "RunningServer", "Session", "TaskCount"),
    "durameter.engines.counting": ("CountRequest", "Counting", "FilesRead", "Reading"),
    "durameter.engines.discovery": ("Found", "WatchOptions", "Watched"),
    "durameter.engines.plugin": ("EnginePlugin",),
    "durameter.engines.task_key": ("TaskKey", "safe_id"),
    "durameter.errors": ("EngineMissingError", "UsageError"),
    "durameter.results.model": ("ServerInfo",),
    "durameter.results.reconcile": ("Reconciliation",),
    "durameter.results.writer": ("ResultWriter",),
    "durameter.retries": ("RetryPolicy",),
    "durameter_collectors.rulebook": ("Rulebook",),
    "durameter_collectors.units": ("Gap", "TaskLabel", "Unit"),
}

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy_names(globals(), {name: home for home, names in _HOMES.items() for name in names})
