"""Local activities: one Action for all markers of a workflow task, one per heartbeat of that task, and late retries."""

from datetime import timedelta

from durameter_workloads.conformance.temporal.bench import Bench
from durameter_workloads.conformance.temporal.meter import MARKERS, STARTED, TIMER
from durameter_workloads.conformance.temporal.scenario import Drive, Scenario, run_of

__all__ = ["SCENARIOS"]

_ONE = {"start_workflow": 1, "record_activity_markers": 1}
_ONE_METERED = {STARTED: 1, MARKERS: 1}


def _within_five_seconds(step: str) -> Drive:
    """Workflow tasks of 5 s: the worker asks for a new one after 80 % of that, at 4 s, at 8 s, ..."""

    async def drive(on: Bench) -> None:
        await on.run(step, task_timeout=timedelta(seconds=5))

    return drive


SCENARIOS = (
    # Their markers are in one workflow task: one Action for all three.
    Scenario(
        "three local activities", run_of("three_locals"), _ONE, _ONE_METERED, causes={"record_activity_markers": "work"}
    ),
    # The timer ends the workflow task: two tasks with markers.
    Scenario(
        "local activity, timer, local activity",
        run_of("local", "timer", "local"),
        {"start_workflow": 1, "record_activity_markers": 2, "start_timer": 1},
        {STARTED: 1, MARKERS: 2, TIMER: 1},
    ),
    # Retries within the task that had the first attempt are free.
    Scenario("local activity failing twice", run_of("local_third_time"), _ONE, _ONE_METERED),
    # The failed attempt has a marker of its own, in its own task, then the back-off is a timer, then the second marker.
    Scenario(
        "local activity that backs off by a timer",
        run_of("local_backing_off_by_timer"),
        {"start_workflow": 1, "record_activity_markers": 2, "start_timer": 1},
        {STARTED: 1, MARKERS: 2, TIMER: 1},
    ),
    # 10 s: heartbeats at 4 and 8 s.
    Scenario(
        "local activity over two workflow-task heartbeats",
        _within_five_seconds("local_long"),
        _ONE | {"record_workflow_heartbeat": 2},
        _ONE_METERED,
        differences={"workflow_task_heartbeat": -2},
    ),
    # The default of 10 s: heartbeats at 8, 16 and 24 s.
    Scenario(
        "local activity of 28 s",
        run_of("local_very_long"),
        _ONE | {"record_workflow_heartbeat": 3},
        _ONE_METERED,
        differences={"workflow_task_heartbeat": -3},
    ),
    # Heartbeats at 4 and 8 s. It fails at 6 s: the second one reports an attempt that is not in the first's task.
    Scenario(
        "local activity retried between workflow-task heartbeats",
        _within_five_seconds("local_failing_late_and_long"),
        _ONE | {"record_workflow_heartbeat": 2, "retry_activity_local": 1},
        _ONE_METERED,
        differences={"workflow_task_heartbeat": -2, "local_activity_retry": -1},
    ),
    # Heartbeat at 4 s; it fails at 6 s and succeeds at once. The SDK reports retries of local activities that are
    # still at work when a workflow task ends, so this one is not reported, and Cloud cannot bill it.
    Scenario(
        "local activity that fails after a workflow-task heartbeat",
        _within_five_seconds("local_failing_late"),
        _ONE | {"record_workflow_heartbeat": 1},
        _ONE_METERED,
        differences={"workflow_task_heartbeat": -1},
    ),
    # Both attempts begin in the first workflow task: the retry is free. Heartbeat at 4 s.
    Scenario(
        "local activity retried before a workflow-task heartbeat",
        _within_five_seconds("local_failing_early_and_long"),
        _ONE | {"record_workflow_heartbeat": 1},
        _ONE_METERED,
        differences={"workflow_task_heartbeat": -1},
    ),
)
