"""What the scenarios' workflows have done outside."""

import asyncio
import time
from datetime import timedelta

from temporalio import activity
from temporalio.contrib.workflow_streams import WorkflowStreamClient
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

__all__ = [
    "ACTIVITIES",
    "beat",
    "beat_and_fail",
    "beat_and_hang",
    "beat_for",
    "elsewhere",
    "fail_late",
    "hang",
    "hang_until",
    "last",
    "publish",
    "refuse",
    "stick_at_third",
    "work",
]


def _not_yet() -> ApplicationError:
    return ApplicationError("not yet", category=ApplicationErrorCategory.BENIGN)


@activity.defn
async def work(failures: int = 0) -> str:
    """Fail so many times, then succeed."""
    if activity.info().attempt <= failures:
        raise _not_yet()
    return "done"


@activity.defn
async def refuse() -> None:
    """Fail for good."""
    raise ApplicationError("never", type="Refused", non_retryable=True, category=ApplicationErrorCategory.BENIGN)


@activity.defn
async def hang() -> None:
    """Never end."""
    await asyncio.Event().wait()


@activity.defn
async def hang_until(attempt: int) -> str:
    """Never end before that attempt, which succeeds."""
    if activity.info().attempt < attempt:
        await asyncio.Event().wait()
    return "done"


@activity.defn
async def stick_at_third() -> None:
    """Fail twice, then never end."""
    if activity.info().attempt <= 2:
        raise _not_yet()
    await asyncio.Event().wait()


@activity.defn
async def last(seconds: float) -> str:
    """Take that long."""
    await asyncio.sleep(seconds)
    return "done"


@activity.defn
async def fail_late(first: float, second: float) -> str:
    """Fail after so many seconds; in the second attempt succeed after so many."""
    if activity.info().attempt == 1:
        await asyncio.sleep(first)
        raise _not_yet()
    await asyncio.sleep(second)
    return "done"


@activity.defn
async def beat() -> None:
    """Three heartbeats at once, of which the SDK lets only the first through."""
    for _ in range(3):
        activity.heartbeat()


@activity.defn
async def beat_for(seconds: float) -> None:
    """Ten heartbeats a second."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        activity.heartbeat()
        await asyncio.sleep(0.1)


@activity.defn
async def beat_and_fail(failures: int) -> None:
    """Five heartbeats in 50 ms in every attempt, of which so many fail."""
    for _ in range(5):
        activity.heartbeat()
        await asyncio.sleep(0.01)
    if activity.info().attempt <= failures:
        raise _not_yet()


@activity.defn
async def beat_and_hang() -> None:
    """One heartbeat, then silence; succeed in the second attempt."""
    activity.heartbeat()
    if activity.info().attempt == 1:
        await asyncio.Event().wait()


@activity.defn
async def elsewhere() -> None:
    """Left to a client to complete."""
    activity.raise_complete_async()


@activity.defn
async def publish(batches: int) -> None:
    """Publish that many batches of three items on the workflow's stream; nothing goes out between them."""
    stream = WorkflowStreamClient.from_within_activity(batch_interval=timedelta(minutes=10))
    words = stream.topic("words", type=str)
    for _ in range(batches):
        for word in ("one", "two", "three"):
            words.publish(word)
        await stream.flush()


ACTIVITIES = (
    work,
    refuse,
    hang,
    hang_until,
    stick_at_third,
    last,
    fail_late,
    beat,
    beat_for,
    beat_and_fail,
    beat_and_hang,
    elsewhere,
    publish,
)
