"""Whether the count of one engine can be trusted; what cannot be trusted keeps no budget."""

from durameter.errors import DurameterError
from durameter.results.model import EngineResult, Measurement

__all__ = ["UntrustedError", "cautions", "distrust"]


class UntrustedError(DurameterError):
    """The measurement is there, and its count cannot be trusted."""

    exit_code = 4


def distrust(measurement: Measurement, engine: EngineResult, *, failed_tasks: int | None = 0) -> tuple[str, ...]:
    """Why nothing may be concluded from this count, in words; empty when it can be trusted.

    Args:
        measurement: the whole.
        engine: of it.
        failed_tasks: how many tasks may have failed or timed out; None for any number.
    """
    name = engine.engine
    if engine.state == "missing":
        return (f"{name} was not measured: {engine.problem}",)
    found = []
    if engine.state == "interrupted":
        found.append(f"{name} was not measured to its end: {engine.problem}")
    elif measurement.state == "incomplete":
        found.append("the measurement was stopped before its end")
    found += [
        f"{name}: {each.source} and {each.other} differ, and no rule explains it"
        for each in engine.reconciliations
        if each.state == "differs"
    ]
    if not engine.reconciliations and engine.state == "measured" and measurement.door != "count":
        found.append(f"{name}: no sources were compared")
    found += _tasks(measurement, engine, failed_tasks)
    return tuple(found)


def _tasks(measurement: Measurement, engine: EngineResult, failed_tasks: int | None) -> list[str]:
    name, tasks = engine.engine, engine.tasks
    planned = measurement.task_count if measurement.door == "run" and measurement.stopping is None else len(tasks)
    uncounted = [task.task for task in tasks if not task.counted]
    partly = [task.task for task in tasks if task.counted and task.gaps]
    stopped = [task.task for task in tasks if task.state == "interrupted"]
    failed = [task.task for task in tasks if task.state in ("failed", "timed_out") and not engine.failed_too]
    found = []
    if not tasks:
        found.append(f"{name} has no task")
    elif len(tasks) < planned:
        found.append(f"{name}: {len(tasks)} of {planned} tasks are in the result")
    for what, names in (
        ("could not be counted", uncounted),
        ("could not be counted in full", partly),
        ("were interrupted" if len(stopped) > 1 else "was interrupted", stopped),
    ):
        if names:
            found.append(f"{name}: {_some(names)} {what}")
    if failed_tasks is not None and len(failed) > failed_tasks:
        allowed = f"; {failed_tasks} may" if failed_tasks else ""
        found.append(f"{name}: {_some(failed)} did not complete, and {_are(failed)} in no figure{allowed}")
    elif tasks and not any(task.state == "completed" or engine.failed_too for task in engine.sample):
        found.append(f"{name}: no task completed")
    return found


def _are(names: list[str]) -> str:
    return "are" if len(names) > 1 else "is"


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown


def cautions(engine: EngineResult) -> tuple[str, ...]:
    """What one should know of a count that can be trusted."""
    name = engine.engine
    lines = []
    if not any(each.independent and each.state == "agrees" for each in engine.reconciliations):
        lines.append(f"{name}: counted, but not proved: an independent source is missing")
    if engine.unseen:
        kinds = ", ".join(what.partition(":")[0] for what in engine.unseen)
        lines.append(f"{name}: not seen by these sources, and in no figure (`durameter report` says when): {kinds}")
    lines += [
        f"{name}: {each.units} {each.kind} by your rate of {each.rate} per {each.per} are an estimate, and in no figure"
        for each in engine.estimates
    ]
    return tuple(lines)
