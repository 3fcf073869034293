"""Ten reasons for a higher count, on Temporal: one small workflow each. docs/why-higher.md shows what they cost."""

import asyncio
import contextlib
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.contrib.workflow_streams import WorkflowStream
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from examples.activities import beat, flaky, refuse, stream_words, work
    from examples.entered import bodies

__all__ = ["WORKFLOWS"]

MINUTE = timedelta(minutes=1)
SOON = RetryPolicy(initial_interval=timedelta(milliseconds=50), backoff_coefficient=1)


async def do(what: str) -> None:
    await workflow.execute_activity(work, what, start_to_close_timeout=MINUTE)


@workflow.defn(name="time_limits")
class TimeLimits:
    """Ask a tool and then a person, each with a time limit; the person never answers."""

    @workflow.run
    async def run(self) -> None:
        await asyncio.wait_for(do("ask the tool"), timeout=60)
        with contextlib.suppress(TimeoutError):
            await workflow.wait_condition(lambda: False, timeout=0.2)


@workflow.defn(name="heartbeats")
class Heartbeats:
    """Ten calls of heartbeat() a second for 6 s; the SDK lets one through per 2.4 s, 0.8 of the time-out."""

    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity(
            beat, 6.0, start_to_close_timeout=MINUTE, heartbeat_timeout=timedelta(seconds=3)
        )


@workflow.defn(name="retries")
class Retries:
    """A model call that fails twice."""

    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity(flaky, 2, start_to_close_timeout=MINUTE, retry_policy=SOON)


class _Streamed:
    words_in_a_batch = 1

    def __init__(self) -> None:
        self.stream = WorkflowStream()

    async def stream_answer(self) -> None:
        await workflow.execute_activity(stream_words, args=[10, self.words_in_a_batch], start_to_close_timeout=MINUTE)
        await workflow.wait_condition(workflow.all_handlers_finished)


@workflow.defn(name="stream_by_word")
class StreamByWord(_Streamed):
    """A model call whose answer of ten words is streamed in ten batches."""

    @workflow.init
    def __init__(self) -> None:
        super().__init__()

    @workflow.run
    async def run(self) -> None:
        await self.stream_answer()


@workflow.defn(name="stream_in_halves")
class StreamInHalves(_Streamed):
    """The same ten words in two batches."""

    words_in_a_batch = 5

    @workflow.init
    def __init__(self) -> None:
        super().__init__()

    @workflow.run
    async def run(self) -> None:
        await self.stream_answer()


@workflow.defn(name="tools_listed_every_turn")
class ToolsListedEveryTurn:
    """An agent of three turns, two of which call a tool; it asks the tool server for its list in each turn."""

    @workflow.run
    async def run(self) -> None:
        for turn in range(3):
            await do("list the tools")
            await do("call the model")
            if turn < 2:
                await do("call the tool")


@workflow.defn(name="tools_listed_once")
class ToolsListedOnce:
    """The same agent; it keeps the list."""

    @workflow.run
    async def run(self) -> None:
        await do("list the tools")
        for turn in range(3):
            await do("call the model")
            if turn < 2:
                await do("call the tool")


@workflow.defn(name="child")
class Parent:
    """Hand a piece of work to a child."""

    @workflow.run
    async def run(self) -> None:
        await workflow.execute_child_workflow("one_activity", id=f"{workflow.info().workflow_id}-child")


@workflow.defn(name="one_activity")
class OneActivity:
    """What the child does; run without a parent it is what people compare with."""

    @workflow.run
    async def run(self) -> None:
        await do("work")


@workflow.defn(name="sleeps")
class Sleeps:
    """Wait, remind, wait again."""

    @workflow.run
    async def run(self) -> None:
        await asyncio.sleep(0.2)
        await do("remind")
        await asyncio.sleep(0.2)


@workflow.defn(name="polling")
class Polling:
    """Look whether a job is done, until it is at the fifth look."""

    @workflow.run
    async def run(self) -> None:
        for look in range(5):
            await do("look")
            if look < 4:
                await asyncio.sleep(0.1)


@workflow.defn(name="failure")
class Failure:
    """Reserve, charge, and undo the reservation when the charge fails."""

    @workflow.run
    async def run(self) -> None:
        await do("reserve")
        try:
            await workflow.execute_activity(refuse, start_to_close_timeout=MINUTE)
        except ActivityError:
            await do("undo the reservation")


class _ThreeSteps:
    async def steps(self) -> None:
        bodies[workflow.info().workflow_id] += 1
        for step in range(3):
            await do(f"step {step}")


@workflow.defn(name="three_steps")
class ThreeSteps(_ThreeSteps):
    """Three activities, one after another; the worker keeps the workflow in memory."""

    @workflow.run
    async def run(self) -> None:
        await self.steps()


@workflow.defn(name="three_steps_replayed")
class ThreeStepsReplayed(_ThreeSteps):
    """The same on a worker that keeps nothing: each workflow task replays all that was before."""

    @workflow.run
    async def run(self) -> None:
        await self.steps()


WORKFLOWS: tuple[type[Any], ...] = (
    TimeLimits,
    Heartbeats,
    Retries,
    StreamByWord,
    StreamInHalves,
    ToolsListedEveryTurn,
    ToolsListedOnce,
    Parent,
    OneActivity,
    Sleeps,
    Polling,
    Failure,
    ThreeSteps,
    ThreeStepsReplayed,
)
