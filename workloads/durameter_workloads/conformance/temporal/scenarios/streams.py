"""Workflow Streams: a flush is a signal, a poll an update; an offset, and the tail of a closed one, is a query."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any, cast

from temporalio.client import WorkflowHandle
from temporalio.contrib.workflow_streams import WorkflowStreamClient

from durameter_workloads.conformance.temporal.bench import Bench, expect
from durameter_workloads.conformance.temporal.meter import ACCEPTED, ACTIVITY, QUERY, SIGNAL, STARTED
from durameter_workloads.conformance.temporal.scenario import Drive, Scenario
from durameter_workloads.conformance.temporal.workflows import Streaming

__all__ = ["SCENARIOS"]

_POLL = "__temporal_workflow_stream_poll"
_HELD = {"start_workflow": 1, "signal_workflow": 1}
"""A workflow with a stream that is told to finish."""
_HELD_METERED = {STARTED: 1, SIGNAL: 1}


async def _start(on: Bench, *, own_words: int = 0, activities: int = 0) -> WorkflowHandle[Streaming, None]:
    return await on.client.start_workflow(
        Streaming.run, args=[own_words, activities], id=on.id("root"), task_queue=on.task_queue
    )


async def _start_and_finish(on: Bench) -> None:
    await _finish(await _start(on, own_words=5))


async def _finish(root: WorkflowHandle[Streaming, None]) -> None:
    await root.signal(Streaming.finish)
    await root.result()


def _stream(on: Bench, interval: timedelta = timedelta(minutes=10)) -> WorkflowStreamClient:
    """By default nothing goes out by itself."""
    return WorkflowStreamClient.create(on.client, on.id("root"), batch_interval=interval)


async def _signalled(on: Bench, times: int) -> None:
    await on.seen(on.handle(), "WORKFLOW_EXECUTION_SIGNALED", times)


def _published(interval: timedelta, batches: int, items: int) -> Drive:
    """Each batch is published at once and has gone out by the interval before the next one begins."""

    async def drive(on: Bench) -> None:
        root = await _start(on)
        async with _stream(on, interval) as stream:
            words = stream.topic("words", type=str)
            for batch in range(batches):
                for item in range(items):
                    words.publish(f"word {batch * items + item}")
                await _signalled(on, batch + 1)
            # The server has it, the client may not know yet: to leave now would send it again.
            await stream.flush()
        await _finish(root)

    return drive


async def _flushed_on_leaving(on: Bench) -> None:
    """Nothing is due before the publisher leaves."""
    root = await _start(on)
    async with _stream(on) as stream:
        for item in range(20):
            stream.topic("words", type=str).publish(f"word {item}")
    await _finish(root)


async def _by_activities(on: Bench) -> None:
    root = await _start(on, activities=2)
    await _signalled(on, 6)
    await _finish(root)


def _subscription(stream: WorkflowStreamClient, offset: int = 0) -> AsyncGenerator[Any, None]:
    return cast("AsyncGenerator[Any, None]", stream.subscribe(["words"], from_offset=offset, result_type=str))


async def _subscribed(on: Bench) -> None:
    """The first poll finds two items there; the second waits for the third. The subscriber leaves before another."""
    root = await _start(on, own_words=2)
    stream = _stream(on)
    items = _subscription(stream)
    expect([(await anext(items)).data for _ in range(2)], ["word 0", "word 1"])
    stream.topic("words", type=str).publish("word 2")
    await stream.flush()
    expect((await anext(items)).data, "word 2")
    await items.aclose()
    await _finish(root)


async def _subscribed_after_the_end(on: Bench) -> None:
    """The poll fails; the items that are left are read by query."""
    root = await _start(on, own_words=2)
    await _finish(root)
    expect([item.data async for item in _subscription(_stream(on))], ["word 0", "word 1"])


async def _offset(on: Bench) -> None:
    root = await _start(on, own_words=2)
    expect(await _stream(on).get_offset(), 2)
    await _finish(root)


SCENARIOS = (
    # What the workflow publishes itself is free.
    Scenario("stream nobody else uses", _start_and_finish, _HELD, _HELD_METERED),
    # Ten items, each on its own.
    Scenario(
        "stream published every 100 ms",
        _published(timedelta(milliseconds=100), 10, 1),
        _HELD | {"signal_workflow": 11},
        _HELD_METERED | {SIGNAL: 11},
    ),
    # The same ten items in two batches.
    Scenario(
        "stream published every 500 ms",
        _published(timedelta(milliseconds=500), 2, 5),
        _HELD | {"signal_workflow": 3},
        _HELD_METERED | {SIGNAL: 3},
    ),
    # And in one.
    Scenario(
        "stream published every 2 s",
        _published(timedelta(seconds=2), 1, 10),
        _HELD | {"signal_workflow": 2},
        _HELD_METERED | {SIGNAL: 2},
    ),
    Scenario(
        "stream flushed when its publisher leaves",
        _flushed_on_leaving,
        _HELD | {"signal_workflow": 2},
        _HELD_METERED | {SIGNAL: 2},
    ),
    # Two activities with three flushes each.
    Scenario(
        "stream published by activities",
        _by_activities,
        _HELD | {"schedule_activity": 2, "signal_workflow": 7},
        _HELD_METERED | {ACTIVITY: 2, SIGNAL: 7},
    ),
    # Two polls; one flush and the finish.
    Scenario(
        "stream with a subscriber",
        _subscribed,
        _HELD | {"accept_workflow_update": 2, "signal_workflow": 2},
        _HELD_METERED | {ACCEPTED: 2, SIGNAL: 2},
        causes={"accept_workflow_update": _POLL},
    ),
    Scenario(
        "stream read after the end",
        _subscribed_after_the_end,
        _HELD | {"query_workflow": 1},
        _HELD_METERED | {QUERY: 1},
        causes={"query_workflow": _POLL},
    ),
    Scenario("offset of a stream", _offset, _HELD | {"query_workflow": 1}, _HELD_METERED | {QUERY: 1}),
)
