"""Runs that are cancelled: the run, and the steps that it began."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import inngest

from durameter_collectors.inngest.api.graphql import Span
from durameter_workloads.conformance.inngest.bench import Bench, Handler, expect, until
from durameter_workloads.conformance.inngest.scenario import Drive, Scenario
from durameter_workloads.conformance.inngest.work import good

__all__ = ["SCENARIOS"]

_PATIENCE = 60
"""Seconds for what the server does at once, unless the machine is busy."""


class _Held:
    """The work of a step: it goes on until it is released."""

    def __init__(self) -> None:
        self._begun, self._released = asyncio.Event(), asyncio.Event()

    async def run(self) -> str:
        self._begun.set()
        await self._released.wait()
        return "released"

    async def until_begun(self) -> None:
        async with asyncio.timeout(_PATIENCE):
            await self._begun.wait()

    def release(self) -> None:
        self._released.set()


async def _step_and_sleep(ctx: inngest.Context) -> None:
    await ctx.step.run("before", good)
    await ctx.step.sleep("nap", timedelta(seconds=60))
    await ctx.step.run("never", good)


async def _cancelled(on: Bench, number: int = 1) -> None:
    await on.until_runs(number, statuses=["CANCELLED"])


async def _by_event(on: Bench) -> None:
    await on.serve(on.function(_step_and_sleep, cancel=[inngest.Cancel(event=on.event("stop"))]))
    await on.send("main")
    [run] = await on.until_runs(1)
    await on.until_step(run.id, "SLEEP")
    await on.send("stop", root=False)
    await _cancelled(on)


async def _by_matching_event(on: Bench) -> None:
    """Two runs; the event names one of them, and the other is ended over the API."""
    cancel = inngest.Cancel(event=on.event("stop"), if_exp="event.data.who == async.data.who")
    await on.serve(on.function(_step_and_sleep, cancel=[cancel]))
    await on.send("main", data={"who": "a"})
    await on.send("main", data={"who": "b"})
    for run in await on.until_runs(2):
        await on.until_step(run.id, "SLEEP")
    await on.send("stop", root=False, data={"who": "a"})
    await _cancelled(on)
    [other] = [run for run in await on.runs() if run.status != "CANCELLED"]
    await on.session.api.cancel(other.id)
    await _cancelled(on, 2)


async def _by_api(on: Bench) -> None:
    await on.serve(on.function(_step_and_sleep))
    await on.send("main")
    [run] = await on.until_runs(1)
    await on.until_step(run.id, "SLEEP")
    await on.session.api.cancel(run.id)
    await _cancelled(on)


async def _while_waiting(on: Bench) -> None:
    async def main(ctx: inngest.Context) -> None:
        await ctx.step.wait_for_event("wait", event=on.event("answer"), timeout=timedelta(seconds=60))

    await on.serve(on.function(main))
    await on.send("main")
    [run] = await on.until_runs(1)
    await on.until_step(run.id, "WAIT_FOR_EVENT")
    await on.session.api.cancel(run.id)
    await _cancelled(on)
    await on.send("answer", root=False)  # nobody waits any more


async def _by_finish_timeout(on: Bench) -> None:
    """The time is long enough to come to the sleep on a busy machine, and shorter than the sleep."""
    await on.serve(on.function(_step_and_sleep, timeouts=inngest.Timeouts(finish=timedelta(seconds=10))))
    await on.send("main")
    await _cancelled(on)


async def _by_start_timeout(on: Bench) -> None:
    """One at a time: the second waits longer for its turn than it may. The server looks at that when its turn comes."""
    work = _Held()

    async def main(ctx: inngest.Context) -> None:
        await ctx.step.run("work", work.run)

    timeouts = inngest.Timeouts(start=timedelta(seconds=5))
    await on.serve(on.function(main, concurrency=[inngest.Concurrency(limit=1)], timeouts=timeouts))
    await on.send("main")
    await work.until_begun()
    await on.send("main")
    await on.until_runs(2)
    await asyncio.sleep(6)
    work.release()
    ended = await on.until_ended(2)
    expect(sorted(run.status for run in ended), ["CANCELLED", "COMPLETED"])


async def _in_a_step(on: Bench) -> None:
    """The step is at work when the run is cancelled: its reply comes too late to be taken."""
    work = _Held()

    async def main(ctx: inngest.Context) -> None:
        await ctx.step.run("before", good)
        await ctx.step.run("work", work.run)

    await on.serve(on.function(main))
    await on.send("main")
    await work.until_begun()
    [run] = await on.until_runs(1)
    await on.session.api.cancel(run.id)
    await _cancelled(on)
    work.release()
    await asyncio.sleep(1)  # the reply is on its way


async def _invoker(on: Bench) -> None:
    """The caller is cancelled; what it invoked goes on by itself."""

    async def work(ctx: inngest.Context) -> None:
        await ctx.step.sleep("nap", timedelta(seconds=2))
        await ctx.step.run("work", good)

    child = on.function(work, fn_id="child")

    async def main(ctx: inngest.Context) -> None:
        await ctx.step.invoke("call", function=child)

    await on.serve(on.function(main), child)
    await on.send("main")
    [run] = await on.until_runs(1)

    async def child_sleeps() -> bool:
        invoked = [step.invoked_run for step in await on.steps(run.id) if step.invoked_run]
        return bool(invoked) and any(step.op == "SLEEP" for step in await on.steps(invoked[0]))

    await until(child_sleeps, "the sleep of the invoked run")
    await on.session.api.cancel(run.id)
    await _cancelled(on)


def _spans(span: Span | None) -> Iterator[Span]:
    if span is not None:
        yield span
        for child in span.children_spans:
            yield from _spans(child)


async def _in_a_group(on: Bench) -> None:
    """One step of a group is done and the other one at work when the run is cancelled."""
    work = _Held()

    async def main(ctx: inngest.Context) -> None:
        await ctx.group.parallel((lambda: ctx.step.run("done", good), lambda: ctx.step.run("work", work.run)))

    await on.serve(on.function(main))
    await on.send("main")
    await work.until_begun()
    [run] = await on.until_runs(1)

    async def other_is_done() -> bool:
        found = await on.session.api.trace(run.id)
        return any(span.name == "done" and span.ended_at is not None for span in _spans(found.trace))

    await until(other_is_done, "the end of the other step")
    await on.session.api.cancel(run.id)
    await _cancelled(on)
    work.release()
    await asyncio.sleep(1)  # the reply is on its way


def _heard(event: str, main: Handler, *, cancelled: bool = False) -> Drive:
    """A function that is triggered by the server's own event about the end of another one's run."""

    async def drive(on: Bench) -> None:
        async def listens(ctx: inngest.Context) -> None:
            await ctx.step.run("look", good)

        about = inngest.TriggerEvent(event=event, expression=f"event.data.function_id == '{on.prefix}-main'")
        await on.serve(on.function(main), on.function(listens, fn_id="listens", trigger=about))
        await on.send("main")
        if cancelled:
            [run] = await on.until_runs(1)
            await on.until_step(run.id, "SLEEP")
            await on.session.api.cancel(run.id)
        await on.until_ended()
        await on.until_listed("listens")  # it begins after the other one's end, and the count waits for what is listed

    return drive


async def _nothing(_ctx: inngest.Context) -> None:
    pass


SCENARIOS = (
    # 1 + the two steps that were begun. One request did the step, the next reported the sleep.
    Scenario(
        name="cancelled by an event",
        drive=_by_event,
        documented={"function_run": 1, "step.run": 1, "step.sleep": 1},
        by={"function_run": {"cancelled_run": 1}},
        requests=2,
    ),
    Scenario(
        name="cancelled by an event that matches",
        drive=_by_matching_event,
        documented={"function_run": 2, "step.run": 2, "step.sleep": 2},
        by={"function_run": {"cancelled_run": 2}},
        requests=2 * 2,
    ),
    Scenario(
        name="cancelled over the API",
        drive=_by_api,
        documented={"function_run": 1, "step.run": 1, "step.sleep": 1},
        by={"function_run": {"cancelled_run": 1}},
        requests=2,
    ),
    Scenario(
        name="cancelled while it waits",
        drive=_while_waiting,
        documented={"function_run": 1, "step.wait_for_event": 1},
        by={"function_run": {"cancelled_run": 1}},
        requests=1,
    ),
    Scenario(
        name="cancelled by its time to finish",
        drive=_by_finish_timeout,
        documented={"function_run": 1, "step.run": 1, "step.sleep": 1},
        by={"function_run": {"cancelled_run": 1}},
        requests=2,
    ),
    # The first does its step; the second is a run that was cancelled before it began a step.
    Scenario(
        name="cancelled by its time to start",
        drive=_by_start_timeout,
        documented={"function_run": 2, "step.run": 1},
        by={"function_run": {"run": 1, "cancelled_run": 1}},
        requests=2,
        differences={"trace/wire": {"cancelled_before_start": -1}, "store/wire": {"cancelled_before_start": -1}},
    ),
    # Both steps were begun; the result of the second comes after the end of the run, and the server still notes it.
    Scenario(
        name="cancelled in a step",
        drive=_in_a_step,
        documented={"function_run": 1, "step.run": 2},
        by={"function_run": {"cancelled_run": 1}},
        requests=2,
    ),
    # Caller: 1 + 1. Child: 1 + 2, by three requests.
    Scenario(
        name="cancelled while what it invoked goes on",
        drive=_invoker,
        documented={"function_run": 2, "step.invoke": 1, "step.sleep": 1, "step.run": 1},
        by={"function_run": {"cancelled_run": 1, "invoked_run": 1}},
        requests=1 + 3,
    ),
    # The plan and two steps, both begun.
    Scenario(
        name="cancelled in a group",
        drive=_in_a_group,
        documented={"function_run": 1, "step.run": 2},
        by={"function_run": {"cancelled_run": 1}},
        requests=1 + 2,
    ),
    # The one is cancelled in its sleep; the other one is a run with a step.
    Scenario(
        name="another function listens to the cancellation",
        drive=_heard("inngest/function.cancelled", _step_and_sleep, cancelled=True),
        documented={"function_run": 2, "step.run": 1 + 1, "step.sleep": 1},
        by={"function_run": {"cancelled_run": 1, "failure_handler": 1}},
        requests=2 + 2,
    ),
    Scenario(
        name="another function listens to the end",
        drive=_heard("inngest/function.finished", _nothing),
        documented={"function_run": 2, "step.run": 1},
        by={"function_run": {"run": 1, "failure_handler": 1}},
        requests=1 + 2,
    ),
)
