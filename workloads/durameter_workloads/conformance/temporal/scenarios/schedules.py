"""Schedules: three Actions per fire (two and the start), one per operation on the schedule."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from temporalio.client import (
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleBackfill,
    ScheduleHandle,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from durameter_workloads.conformance.temporal.bench import Bench, until
from durameter_workloads.conformance.temporal.meter import (
    ACTIVITY,
    SCHEDULE_CREATED,
    SCHEDULE_DELETED,
    SCHEDULE_PATCHED,
    SCHEDULE_UPDATED,
    STARTED,
)
from durameter_workloads.conformance.temporal.scenario import Drive, Scenario
from durameter_workloads.conformance.temporal.workflows import Steps

__all__ = ["SCENARIOS"]

_SCHEDULER = "TemporalScheduler"


async def _schedule(on: Bench, every: timedelta, *, fires: int = 0, paused: bool = False) -> ScheduleHandle:
    """A schedule of a workflow with one activity; `fires` is after how many it stops by itself."""
    return await on.client.create_schedule(
        on.id("schedule"),
        Schedule(
            action=ScheduleActionStartWorkflow(
                Steps.run, ["activity"], id=on.id("scheduled"), task_queue=on.task_queue
            ),
            spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every)]),
            state=ScheduleState(paused=paused, limited_actions=fires > 0, remaining_actions=fires),
        ),
    )


async def _done(on: Bench, runs: int) -> None:
    """Wait for so many scheduled workflows to have ended."""

    async def there() -> bool:
        return len(await on.runs("WorkflowType = 'Steps' AND ExecutionStatus = 'Completed'")) == runs

    await until(there, f"{runs} scheduled workflows that have ended")


async def _fires(on: Bench) -> None:
    schedule = await _schedule(on, timedelta(seconds=1), fires=2)
    await _done(on, 2)
    await schedule.delete()


async def _trigger(on: Bench) -> None:
    schedule = await _schedule(on, timedelta(days=30))
    await schedule.trigger()
    await _done(on, 1)
    await schedule.delete()


def _operated(operate: Callable[[ScheduleHandle], Awaitable[None]]) -> Drive:
    async def drive(on: Bench) -> None:
        schedule = await _schedule(on, timedelta(days=30))
        await operate(schedule)
        await schedule.delete()

    return drive


async def _pause(schedule: ScheduleHandle) -> None:
    await schedule.pause()
    await schedule.unpause()


async def _update(schedule: ScheduleHandle) -> None:
    def change(now: ScheduleUpdateInput) -> ScheduleUpdate:
        return ScheduleUpdate(schedule=now.description.schedule)

    await schedule.update(change)


async def _looked_at(schedule: ScheduleHandle) -> None:
    await schedule.describe()


async def _backfill(on: Bench) -> None:
    """Three hours of the past, one fire in each."""
    schedule = await _schedule(on, timedelta(hours=1), paused=True)
    hour = datetime(2026, 1, 1, 12, tzinfo=UTC)
    await schedule.backfill(
        ScheduleBackfill(
            start_at=hour + timedelta(minutes=1),
            end_at=hour + timedelta(hours=3, minutes=1),
            overlap=ScheduleOverlapPolicy.ALLOW_ALL,
        )
    )
    await _done(on, 3)
    await schedule.delete()


SCENARIOS = (
    # Created and deleted: 2. Each of two fires: 2, the start 1, and the workflow's activity.
    Scenario(
        "schedule that fires twice",
        _fires,
        {"schedule_operation": 2, "schedule_workflow": 4, "start_workflow": 2, "schedule_activity": 2},
        {SCHEDULE_CREATED: 1, SCHEDULE_DELETED: 1, STARTED: 2, ACTIVITY: 2},
        differences={"scheduled": -4},
        system=_SCHEDULER,
        roots=("schedule",),
    ),
    # Created, triggered (a patch), deleted: 3. One fire.
    Scenario(
        "schedule triggered",
        _trigger,
        {"schedule_operation": 3, "schedule_workflow": 2, "start_workflow": 1, "schedule_activity": 1},
        {SCHEDULE_CREATED: 1, SCHEDULE_PATCHED: 1, SCHEDULE_DELETED: 1, STARTED: 1, ACTIVITY: 1},
        differences={"scheduled": -2},
        system=_SCHEDULER,
        roots=("schedule",),
    ),
    # Both are patches.
    Scenario(
        "schedule paused and unpaused",
        _operated(_pause),
        {"schedule_operation": 4},
        {SCHEDULE_CREATED: 1, SCHEDULE_PATCHED: 2, SCHEDULE_DELETED: 1},
        system=_SCHEDULER,
        roots=("schedule",),
    ),
    Scenario(
        "schedule updated",
        _operated(_update),
        {"schedule_operation": 3},
        {SCHEDULE_CREATED: 1, SCHEDULE_UPDATED: 1, SCHEDULE_DELETED: 1},
        system=_SCHEDULER,
        roots=("schedule",),
    ),
    Scenario(
        "schedule looked at",
        _operated(_looked_at),
        {"schedule_operation": 2},
        {SCHEDULE_CREATED: 1, SCHEDULE_DELETED: 1},
        system=_SCHEDULER,
        free=("free_operations",),
        roots=("schedule",),
    ),
    # Created, backfilled (a patch), deleted: 3. Three fires.
    Scenario(
        "schedule backfilled",
        _backfill,
        {"schedule_operation": 3, "schedule_workflow": 6, "start_workflow": 3, "schedule_activity": 3},
        {SCHEDULE_CREATED: 1, SCHEDULE_PATCHED: 1, SCHEDULE_DELETED: 1, STARTED: 3, ACTIVITY: 3},
        differences={"scheduled": -6},
        system=_SCHEDULER,
        roots=("schedule",),
    ),
)
