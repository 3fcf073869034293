"""Activities: one Action when scheduled, one per retry, one per heartbeat that reaches the server."""

from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from temporalio.api.activity.v1 import ActivityOptions
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.workflowservice.v1 import (
    PauseActivityRequest,
    ResetActivityRequest,
    UnpauseActivityRequest,
    UpdateActivityOptionsRequest,
)
from temporalio.client import WorkflowFailureError

from durameter_workloads.conformance.temporal.bench import (
    BACKING_OFF,
    RUNNING,
    Bench,
    Handle,
    SurpriseError,
    until,
    worker,
)
from durameter_workloads.conformance.temporal.meter import ACTIVITY, HEARTBEAT, HEARTBEAT_BY_ID, RETRY, STARTED, TIMER
from durameter_workloads.conformance.temporal.scenario import Drive, Scenario, run_of

__all__ = ["SCENARIOS"]

_ONE = {"start_workflow": 1, "schedule_activity": 1}
_ONE_METERED = {STARTED: 1, ACTIVITY: 1}
_TWO_RETRIES = _ONE | {"retry_activity": 2}
_TWO_RETRIES_METERED = _ONE_METERED | {RETRY: 2}


async def _not_eager(on: Bench) -> None:
    """The activity's task goes by the queue, not with the answer to the workflow task."""
    async with worker(on.client, on.id("lazy"), disable_eager_activity_execution=True):
        await on.run("activity", task_queue=on.id("lazy"))


async def _elsewhere(on: Bench) -> None:
    """A client beats for the activity, by its id and by its token, and completes it."""
    root = await on.start("activity_elsewhere")
    await on.at_attempt(root, 1, RUNNING)
    by_id = on.client.get_async_activity_handle(workflow_id=root.id, run_id=None, activity_id="elsewhere")
    await by_id.heartbeat()
    await by_id.heartbeat()
    await by_id.complete()
    await root.result()


def _terminated(step: str, attempt: int, state: PendingActivityState.ValueType) -> Drive:
    async def drive(on: Bench) -> None:
        root = await on.start(step)
        await on.at_attempt(root, attempt, state)
        await root.terminate()

    return drive


async def _cancelled_in_back_off(on: Bench) -> None:
    root = await on.start("activity_never")
    await on.at_attempt(root, 4, BACKING_OFF)
    await root.cancel()
    try:
        await root.result()
    except WorkflowFailureError:
        return
    raise SurpriseError("the workflow was cancelled and has a result")


async def _pause(on: Bench, root: Handle) -> None:
    await on.client.workflow_service.pause_activity(
        PauseActivityRequest(
            namespace=on.client.namespace, execution=WorkflowExecution(workflow_id=root.id), id="1", identity="suite"
        )
    )

    async def is_paused() -> bool:
        return (await on.pending(root))[0].paused

    await until(is_paused, "the pause")


def _paused(step: str, attempt: int, state: PendingActivityState.ValueType) -> Drive:
    async def drive(on: Bench) -> None:
        root = await on.start(step)
        await on.at_attempt(root, attempt, state)
        await _pause(on, root)
        await root.terminate()

    return drive


async def _paused_and_unpaused(on: Bench) -> None:
    root = await on.start("activity_backing_off")
    await on.at_attempt(root, 2, BACKING_OFF)
    await _pause(on, root)
    await on.client.workflow_service.unpause_activity(
        UnpauseActivityRequest(namespace=on.client.namespace, execution=WorkflowExecution(workflow_id=root.id), id="1")
    )
    await root.result()


async def _reset(on: Bench) -> None:
    """After two retries, in the third back-off; the attempts begin anew, and three of them fail again."""
    root = await on.start("activity_never")
    await on.at_attempt(root, 4, BACKING_OFF)
    await on.client.workflow_service.reset_activity(
        ResetActivityRequest(namespace=on.client.namespace, execution=WorkflowExecution(workflow_id=root.id), id="1")
    )
    await on.at_attempt(root, 4, BACKING_OFF)
    await root.terminate()


async def _options_changed(on: Bench) -> None:
    """A shorter interval: the second attempt, two minutes away, comes at once."""
    root = await on.start("activity_backing_off")
    await on.at_attempt(root, 2, BACKING_OFF)
    options = ActivityOptions()
    options.retry_policy.initial_interval.CopyFrom(Duration(seconds=1))
    await on.client.workflow_service.update_activity_options(
        UpdateActivityOptionsRequest(
            namespace=on.client.namespace,
            execution=WorkflowExecution(workflow_id=root.id),
            id="1",
            activity_options=options,
            update_mask=FieldMask(paths=["retry_policy.initial_interval"]),
        )
    )
    await root.result()


async def _still_running(on: Bench) -> None:
    """Counted while it lives and its activity backs off."""
    root = await on.start("activity_never")
    await on.at_attempt(root, 4, BACKING_OFF)


SCENARIOS = (
    Scenario(
        "three activities",
        run_of("activity", "activity", "activity"),
        {"start_workflow": 1, "schedule_activity": 3},
        {STARTED: 1, ACTIVITY: 3},
        causes={"schedule_activity": "work", "start_workflow": "Steps"},
    ),
    # How its first task reaches the worker makes no difference.
    Scenario("activity that is not eager", _not_eager, _ONE, _ONE_METERED),
    # Attempts 2 and 3 are one Action each.
    Scenario("activity failing twice, then ok", run_of("activity_third_time"), _TWO_RETRIES, _TWO_RETRIES_METERED),
    # Two attempts are allowed.
    Scenario("activity given up", run_of("activity_given_up"), _ONE | {"retry_activity": 1}, _ONE_METERED | {RETRY: 1}),
    Scenario("activity that must not be retried", run_of("activity_refused"), _ONE, _ONE_METERED),
    Scenario("activity whose error must not be retried", run_of("activity_refused_by_type"), _ONE, _ONE_METERED),
    # wait_for arms a timer around the activity.
    Scenario(
        "activity with a time limit",
        run_of("activity_limited"),
        _ONE | {"start_timer": 1},
        _ONE_METERED | {TIMER: 1},
    ),
    # The same when the limit strikes; the cancellation is free.
    Scenario(
        "activity over its time limit",
        run_of("activity_over_limit"),
        _ONE | {"start_timer": 1},
        _ONE_METERED | {TIMER: 1},
        free=("free_operations",),
    ),
    # The first attempt times out, the second one is a retry.
    Scenario(
        "start-to-close time-out, then ok",
        run_of("activity_too_long"),
        _ONE | {"retry_activity": 1},
        _ONE_METERED | {RETRY: 1},
    ),
    # Scheduled, and never retried.
    Scenario("schedule-to-start time-out", run_of("activity_never_taken"), _ONE, _ONE_METERED),
    # Attempt 2 after 0.1 s; attempt 3 would be due after 100 s, and 30 s are allowed: it never comes.
    Scenario(
        "schedule-to-close time-out",
        run_of("activity_too_long_in_all"),
        _ONE | {"retry_activity": 1},
        _ONE_METERED | {RETRY: 1},
    ),
    # One heartbeat in each attempt; the first attempt falls silent and times out.
    Scenario(
        "heartbeat time-out, then ok",
        run_of("activity_silent"),
        _ONE | {"retry_activity": 1, "record_activity_heartbeat": 2},
        _ONE_METERED | {RETRY: 1, HEARTBEAT: 2},
        causes={"record_activity_heartbeat": "beat_and_hang"},
    ),
    # The first goes at once; the activity ends long before the others would.
    Scenario(
        "heartbeats",
        run_of("activity_beating"),
        _ONE | {"record_activity_heartbeat": 1},
        _ONE_METERED | {HEARTBEAT: 1},
    ),
    # Throttled to one per 0.8 x 5 s = 4 s, in 10 s: at 0, 4 and 8 s. The next would go 2 s after the end.
    Scenario(
        "heartbeats throttled by their time-out",
        run_of("activity_beating_with_timeout"),
        _ONE | {"record_activity_heartbeat": 3},
        _ONE_METERED | {HEARTBEAT: 3},
    ),
    # One per 30 s where no time-out is set.
    Scenario(
        "heartbeats throttled without a time-out",
        run_of("activity_beating_without_timeout"),
        _ONE | {"record_activity_heartbeat": 1},
        _ONE_METERED | {HEARTBEAT: 1},
    ),
    # Three attempts, in each of which the first of five heartbeats goes at once.
    Scenario(
        "heartbeats in three attempts",
        run_of("activity_beating_thrice"),
        _TWO_RETRIES | {"record_activity_heartbeat": 3},
        _TWO_RETRIES_METERED | {HEARTBEAT: 3},
    ),
    # A client's heartbeats are not throttled. Completing is free.
    Scenario(
        "heartbeats by a client",
        _elsewhere,
        _ONE | {"record_activity_heartbeat": 2},
        _ONE_METERED | {HEARTBEAT_BY_ID: 2},
        free=("free_operations",),
    ),
    # Cancelling is free, and what was never commanded is not billed. The other activity is billed.
    Scenario(
        "activity cancelled",
        run_of("activity_cancelled"),
        {"start_workflow": 1, "schedule_activity": 2},
        {STARTED: 1, ACTIVITY: 2},
        free=("free_operations",),
    ),
    Scenario(
        "activity cancelled in the same task",
        run_of("activity_cancelled_at_once"),
        {"start_workflow": 1},
        {STARTED: 1},
        free=("free_operations",),
    ),
    # Attempt 4 is announced and nobody has it: attempts 2 and 3 were retries.
    Scenario(
        "terminated with an activity in back-off",
        _terminated("activity_never", 4, BACKING_OFF),
        _TWO_RETRIES,
        _TWO_RETRIES_METERED,
        causes={"retry_activity": "work"},
        free=("free_operations",),
    ),
    # Attempt 3 runs: attempts 2 and 3 were retries.
    Scenario(
        "terminated with an activity running",
        _terminated("activity_sticking", 3, RUNNING),
        _TWO_RETRIES,
        _TWO_RETRIES_METERED,
    ),
    Scenario(
        "terminated with an activity paused in back-off",
        _paused("activity_never", 4, BACKING_OFF),
        _TWO_RETRIES,
        _TWO_RETRIES_METERED,
    ),
    Scenario(
        "terminated with an activity paused while running",
        _paused("activity_sticking", 3, RUNNING),
        _TWO_RETRIES,
        _TWO_RETRIES_METERED,
    ),
    # Attempts 2 and 3, which no history keeps and no description: the wire has them.
    Scenario(
        "cancelled with an activity in back-off",
        _cancelled_in_back_off,
        _TWO_RETRIES,
        _TWO_RETRIES_METERED,
        free=("free_operations",),
    ),
    # Its count cannot be final, and says so.
    Scenario("still running with an activity in back-off", _still_running, _TWO_RETRIES, _TWO_RETRIES_METERED, gaps=1),
    # One retry, at once after the pause. Pausing an activity of a workflow is no Action of its own.
    Scenario(
        "activity paused and unpaused",
        _paused_and_unpaused,
        _ONE | {"retry_activity": 1},
        _ONE_METERED | {RETRY: 1},
    ),
    # Attempts 2 and 3 before the reset; then attempt 1 once more, which is no retry, and again 2 and 3.
    Scenario(
        "activity reset in back-off",
        _reset,
        _ONE | {"retry_activity": 4},
        _ONE_METERED | {RETRY: 4},
        free=("activity_reset",),
    ),
    Scenario(
        "activity whose options change in back-off",
        _options_changed,
        _ONE | {"retry_activity": 1},
        _ONE_METERED | {RETRY: 1},
    ),
)
