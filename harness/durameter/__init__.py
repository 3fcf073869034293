"""Durameter counts what an agent costs on durable-execution engines, from the servers' own records.

This is the public API: what it exports is what a workload, a plug-in or a script of your own may use.
Each name is imported when it is first asked for: pytest imports this package in every project, for its plug-in, and it
should neither take time there nor show the warnings of SDKs. `__init__.pyi` says the same to type checkers.
Installed engines add their own names, by `EnginePlugin.exports`.
"""

from durameter._lazy import lazy_names

_HOMES = {
    "durameter.api": ("count", "measure", "read_result", "watch"),
    "durameter.budgets": ("Budget",),
    "durameter.config": ("Config", "load_config", "make_config"),
    "durameter.engines.plugin": ("EnginePlugin",),
    "durameter.errors": ("DurameterError", "EngineMissingError", "ResultError", "UsageError"),
    "durameter.runner.run": ("Observer",),
    "durameter.processes.asgi": ("serve_app",),
    "durameter.result": ("Result", "to_markdown"),
    "durameter.results.model": ("EngineResult", "Measurement", "TaskResult"),
    "durameter.retries": ("RetryPolicy",),
    "durameter.workload": (
        "Driver",
        "Implementation",
        "Measured",
        "Outage",
        "RunContext",
        "Scenario",
        "Task",
        "TaskFailedError",
        "Workload",
    ),
    "durameter_collectors.units": ("Gap", "Unit"),
}
_PLACES = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_PLACES)  # noqa: PLE0605 - the table is the list


def _of_engines() -> dict[str, str]:
    from durameter.registry import engines

    return {name: home for engine in engines() for name, home in engine.exports.items()}


__getattr__, __dir__ = lazy_names(globals(), _PLACES, _of_engines)
