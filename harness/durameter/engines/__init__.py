"""Engines: the plug-in that brings one, and all that a package with an engine of its own builds it from.

Each name is imported when it is first asked for. `__init__.pyi` says the same to type checkers.
"""

from durameter._lazy import lazy_names

_HOMES = {
    "durameter.config": (
        "Config",
        "Section",
    ),
    "durameter.engines.base": (
        "Engine",
        "Finding",
        "Progress",
        "RunningServer",
        "Session",
        "TaskCount",
    ),
    "durameter.engines.counting": (
        "CountRequest",
        "Counting",
        "FilesRead",
        "Reading",
    ),
    "durameter.engines.discovery": (
        "Found",
        "WatchOptions",
        "Watched",
    ),
    "durameter.engines.plugin": (
        "EnginePlugin",
        "Quantity",
    ),
    "durameter.engines.task_key": (
        "TaskKey",
        "safe_id",
    ),
    "durameter.errors": (
        "EngineMissingError",
        "UsageError",
    ),
    "durameter.results.answers": ("answered",),
    "durameter.results.estimates": (
        "Recorded",
        "estimates",
        "unseen_kinds",
    ),
    "durameter.results.folder": ("Result",),
    "durameter.results.model": (
        "EngineResult",
        "ServerInfo",
        "TaskResult",
        "count_kinds",
    ),
    "durameter.results.reconcile": (
        "Reconciliation",
        "against_meter",
        "state_of",
    ),
    "durameter.results.writer": (
        "WORKLOAD",
        "ResultWriter",
    ),
    "durameter.retries": ("RetryPolicy",),
    "durameter_collectors.rulebook": ("Rulebook",),
    "durameter_collectors.units": (
        "Elsewhere",
        "Gap",
        "TaskLabel",
        "Unit",
        "cause_of",
        "nowhere",
    ),
}
_PLACES = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_PLACES)  # noqa: PLE0605 - the table is the list

__getattr__, __dir__ = lazy_names(globals(), _PLACES)
