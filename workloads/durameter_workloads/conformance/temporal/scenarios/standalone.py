"""Activities without a workflow. The open-source meter counts only their retries and heartbeats."""

import uuid
from datetime import timedelta
from typing import Any

from temporalio.api.workflowservice.v1 import ResetActivityExecutionRequest
from temporalio.client import ActivityFailureError, ActivityHandle, ActivityOptionsKeys, PendingActivityState
from temporalio.common import ActivityIDConflictPolicy, RetryPolicy
from temporalio.exceptions import ActivityAlreadyStartedError

from durameter_workloads.conformance.temporal.bench import Bench, SurpriseError, expect, until
from durameter_workloads.conformance.temporal.meter import HEARTBEAT, HEARTBEAT_BY_ID, RETRY
from durameter_workloads.conformance.temporal.needs import OPERATOR_COMMANDS, STANDALONE_ACTIVITIES
from durameter_workloads.conformance.temporal.scenario import Drive, Scenario
from durameter_workloads.conformance.temporal.workflows.activities import beat_for, elsewhere, hang, refuse, work

__all__ = ["SCENARIOS"]

_START = {"start_standalone_activity": 1}
_NOT_METERED = {"standalone_start": -1}
"""The start."""
_LIMIT = timedelta(minutes=5)
_SOON = RetryPolicy(initial_interval=timedelta(milliseconds=50), backoff_coefficient=1)
_ONE_BACK_OFF = RetryPolicy(initial_interval=timedelta(seconds=10))
"""Long enough to do something in it. To unpause does not shorten it."""


async def _start(on: Bench, activity: Any, *args: object, **options: Any) -> ActivityHandle[Any]:
    named: dict[str, Any] = {"start_to_close_timeout": _LIMIT, "retry_policy": _SOON} | options
    return await on.client.start_activity(activity, args=args, id=on.id("root"), task_queue=on.task_queue, **named)


def _done(activity: Any, *args: object, **options: Any) -> Drive:
    async def drive(on: Bench) -> None:
        await (await _start(on, activity, *args, **options)).result()

    return drive


async def _refused(on: Bench) -> None:
    handle = await _start(on, refuse)
    try:
        await handle.result()
    except ActivityFailureError:
        return
    raise SurpriseError("the activity succeeded")


async def _started_again(on: Bench) -> None:
    """Its id is taken: once that is used, once it is an error."""
    handle = await _start(on, hang)
    same = await _start(on, hang, id_conflict_policy=ActivityIDConflictPolicy.USE_EXISTING)
    expect(same.run_id, handle.run_id)
    try:
        await _start(on, hang)
    except ActivityAlreadyStartedError:
        await handle.terminate()
        return
    raise SurpriseError("the id was free")


async def _looked_at(on: Bench) -> None:
    handle = await _start(on, hang)
    await _at(handle, 1, PendingActivityState.STARTED)
    await on.client.count_activities("")
    await handle.cancel()
    await handle.terminate()


async def _at(handle: ActivityHandle[Any], attempt: int, state: PendingActivityState) -> None:
    async def there() -> bool:
        now = await handle.describe()
        return (now.attempt, now.run_state) == (attempt, state)

    await until(there, f"attempt {attempt} in state {state.name}")


async def _backing_off(on: Bench) -> ActivityHandle[Any]:
    """In front of its second attempt, which would come in ten seconds."""
    handle = await _start(on, work, 1, retry_policy=_ONE_BACK_OFF)
    await _at(handle, 2, PendingActivityState.SCHEDULED)
    return handle


async def _paused(on: Bench) -> None:
    handle = await _backing_off(on)
    await handle.pause()
    await _at(handle, 2, PendingActivityState.PAUSED)
    await handle.unpause()
    await handle.result()


async def _reset(on: Bench) -> None:
    """Back to attempt 1, which fails again; its back-off is cut short by a termination."""
    handle = await _start(on, work, 1, retry_policy=_ONE_BACK_OFF)
    await _at(handle, 2, PendingActivityState.SCHEDULED)
    before = (await handle.describe()).last_started_time
    await on.client.workflow_service.reset_activity_execution(
        ResetActivityExecutionRequest(namespace=on.client.namespace, activity_id=handle.id, request_id=uuid.uuid4().hex)
    )

    async def tried_again() -> bool:
        now = await handle.describe()
        return now.last_started_time != before and now.run_state == PendingActivityState.SCHEDULED

    await until(tried_again, "the first attempt once more")
    await handle.terminate()


async def _options_changed(on: Bench) -> None:
    handle = await _backing_off(on)
    await handle.update_options([ActivityOptionsKeys.start_to_close_timeout.value_set(timedelta(seconds=20))])
    await handle.terminate()


async def _elsewhere(on: Bench) -> None:
    """A client beats for it and completes it."""
    handle = await _start(on, elsewhere, heartbeat_timeout=timedelta(seconds=60))
    await _at(handle, 1, PendingActivityState.STARTED)
    by_id = on.client.get_async_activity_handle(activity_id=handle.id, run_id=handle.run_id)
    await by_id.heartbeat()
    await by_id.heartbeat()
    await by_id.complete()
    await handle.result()


SCENARIOS = (
    Scenario(
        "standalone activity",
        _done(work, 0),
        _START,
        {},
        differences=_NOT_METERED,
        causes={"start_standalone_activity": "work"},
        needs=(STANDALONE_ACTIVITIES,),
    ),
    Scenario(
        "standalone activity that must not be retried",
        _refused,
        _START,
        {},
        differences=_NOT_METERED,
        needs=(STANDALONE_ACTIVITIES,),
    ),
    Scenario(
        "standalone activity with a delay",
        _done(work, 0, start_delay=timedelta(seconds=1)),
        _START,
        {},
        differences=_NOT_METERED,
        needs=(STANDALONE_ACTIVITIES,),
    ),
    # Attempts 2 and 3.
    Scenario(
        "standalone activity failing twice, then ok",
        _done(work, 2),
        _START | {"retry_standalone_activity": 2},
        {RETRY: 2},
        differences=_NOT_METERED,
        needs=(STANDALONE_ACTIVITIES,),
    ),
    # As in a workflow: at 0, 4 and 8 s.
    Scenario(
        "standalone activity with heartbeats",
        _done(beat_for, 10.0, heartbeat_timeout=timedelta(seconds=5)),
        _START | {"record_standalone_activity_heartbeat": 3},
        {HEARTBEAT: 3},
        differences=_NOT_METERED,
        needs=(STANDALONE_ACTIVITIES,),
    ),
    Scenario(
        "standalone activity with heartbeats by a client",
        _elsewhere,
        _START | {"record_standalone_activity_heartbeat": 2},
        {HEARTBEAT_BY_ID: 2},
        differences=_NOT_METERED,
        needs=(STANDALONE_ACTIVITIES,),
    ),
    # The second start finds it running, the third one fails.
    Scenario(
        "standalone activity started again",
        _started_again,
        _START,
        {},
        differences=_NOT_METERED,
        free=("deduplicated_request", "free_operations"),
        needs=(STANDALONE_ACTIVITIES,),
    ),
    Scenario(
        "standalone activity looked at, cancelled, terminated",
        _looked_at,
        _START,
        {},
        differences=_NOT_METERED,
        free=("free_operations",),
        needs=(STANDALONE_ACTIVITIES,),
    ),
    # The pause is one, the unpause none, the second attempt is a retry.
    Scenario(
        "standalone activity paused and unpaused",
        _paused,
        _START | {"pause_standalone_activity": 1, "retry_standalone_activity": 1},
        {RETRY: 1},
        differences=_NOT_METERED | {"standalone_pause": -1},
        free=("standalone_unpause",),
        needs=(STANDALONE_ACTIVITIES, OPERATOR_COMMANDS),
    ),
    # What comes after it is attempt 1, and no retry.
    Scenario(
        "standalone activity reset",
        _reset,
        _START | {"reset_standalone_activity": 1},
        {},
        differences=_NOT_METERED | {"standalone_reset": -1},
        needs=(STANDALONE_ACTIVITIES, OPERATOR_COMMANDS),
    ),
    Scenario(
        "standalone activity whose options change",
        _options_changed,
        _START | {"update_standalone_activity_options": 1},
        {},
        differences=_NOT_METERED | {"standalone_options": -1},
        needs=(STANDALONE_ACTIVITIES, OPERATOR_COMMANDS),
    ),
)
