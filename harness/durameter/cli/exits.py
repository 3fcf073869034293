"""Exit statuses, and leaving without the interpreter's finalization."""

import logging
import os
import sys
from typing import NoReturn

from durameter.measure.result import Measurement

__all__ = ["EXIT_CODES", "exit_code", "leave"]

EXIT_CODES = {
    0: "all tasks completed, and independent sources agree (or the report says that there is only one)",
    1: "a task failed, timed out or was interrupted; for `prices --check`, a price book wants attention",
    2: "wrong usage, configuration or result folder",
    3: "an engine is missing",
    4: "units that no rule explains, or a task that could not be counted in full",
    99: "a budget is broken",
    130: "stopped by Ctrl-C",
    143: "stopped by SIGTERM",
}


def exit_code(measurement: Measurement) -> int:
    """The status of a measurement; the gravest that applies: 4, then 3, then 1."""
    for engine in measurement.engines:
        if any(found.state == "differs" for found in engine.reconciliations):
            return 4
        # What was interrupted is short of something anyway; of records, it is a task that cannot be counted in full.
        if any(task.gaps for task in engine.tasks if task.state != "interrupted" or measurement.door == "count"):
            return 4
    if any(engine.state == "missing" for engine in measurement.engines):
        return 3
    done = measurement.state == "complete" and all(engine.state == "measured" for engine in measurement.engines)
    completed = all(task.state == "completed" for engine in measurement.engines for task in engine.tasks)
    return 0 if done and completed else 1


def leave(status: int) -> NoReturn:
    """End the process with exactly this status.

    A process that holds Temporal SDK threads may die in the interpreter's finalization with another status
    (temporalio/sdk-python issue 300), and people gate on ours.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    logging.shutdown()
    os._exit(status)
