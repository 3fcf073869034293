"""Activities of the examples for Temporal."""

import asyncio
import time
from datetime import timedelta

from temporalio import activity
from temporalio.contrib.workflow_streams import WorkflowStreamClient
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

__all__ = ["ACTIVITIES", "beat", "flaky", "refuse", "stream_words", "work"]


@activity.defn
async def work(_what: str) -> None:
    """Succeed at once: a model call, a tool, a look-up."""


@activity.defn
async def flaky(failures: int) -> None:
    """Fail so many times, then succeed."""
    if activity.info().attempt <= failures:
        raise ApplicationError("not yet", category=ApplicationErrorCategory.BENIGN)


@activity.defn
async def refuse() -> None:
    """Fail for good."""
    raise ApplicationError("no", non_retryable=True, category=ApplicationErrorCategory.BENIGN)


@activity.defn
async def beat(seconds: float) -> None:
    """Heartbeat ten times a second."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        activity.heartbeat()
        await asyncio.sleep(0.1)


@activity.defn
async def stream_words(words: int, words_in_a_batch: int) -> None:
    """Stream an answer to the workflow's subscribers.

    The batches are cut by their number of words, not by the clock as a streaming agent's are, so that each run has the
    same number of them.
    """
    async with WorkflowStreamClient.from_within_activity(batch_interval=timedelta(minutes=10)) as stream:
        topic = stream.topic("words", type=str)
        for word in range(1, words + 1):
            topic.publish(f"word {word}")
            if word % words_in_a_batch == 0:
                await stream.flush()


ACTIVITIES = (work, flaky, refuse, beat, stream_words)
