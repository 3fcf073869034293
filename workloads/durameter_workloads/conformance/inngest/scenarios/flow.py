"""Flow control: which events become runs, and when. Waiting costs nothing; what never begins neither."""

import asyncio
from datetime import timedelta
from typing import Any, Literal

import inngest

from durameter_workloads.conformance.inngest.bench import Bench, expect
from durameter_workloads.conformance.inngest.scenario import Drive, Need, Scenario
from durameter_workloads.conformance.inngest.work import good, slow

__all__ = ["SCENARIOS"]

_SECOND = timedelta(seconds=1)
_HOUR = timedelta(hours=1)


async def _look(ctx: inngest.Context) -> None:
    await ctx.step.run("look", good)


async def _slow(ctx: inngest.Context) -> None:
    await ctx.step.run("look", slow, 0.5)


def _burst(number: int, runs: int, **options: Any) -> Drive:
    """So many events at once, and so many runs of them that end well."""

    async def drive(on: Bench) -> None:
        await on.serve(on.function(_look, **options))
        await on.send(*["main"] * number)
        expect({run.status for run in await on.until_ended(runs)}, {"COMPLETED"})
        await asyncio.sleep(1)  # no further one comes
        expect(len(await on.runs()), runs)

    return drive


async def _batch_over_time(on: Bench) -> None:
    """Two events of at most ten, and then the time is over."""
    await on.serve(on.function(_look, batch_events=inngest.Batch(max_size=10, timeout=_SECOND)))
    await on.send("main", "main")  # in one request: the second comes within the time also on a busy machine
    await on.until_ended()


async def _two_batches(on: Bench) -> None:
    """Four events, two per key."""
    await on.serve(
        on.function(_look, batch_events=inngest.Batch(max_size=2, timeout=timedelta(seconds=30), key="event.data.who"))
    )
    for who in ("a", "b", "a", "b"):
        await on.send("main", data={"who": who})
    await on.until_ended(2)


async def _debounced_by_key(on: Bench) -> None:
    await on.serve(on.function(_look, debounce=inngest.Debounce(period=_SECOND, key="event.data.who")))
    # In one request: an event that comes just when the period ends may be lost by an old server (seen on 1.12.1).
    events = [inngest.Event(name=on.event("main"), data={"who": who}) for who in ("a", "b", "a", "b", "a")]
    on.roots += await on.client.send(events)
    await on.until_ended(2)


async def _limited_by_key(on: Bench) -> None:
    await on.serve(on.function(_look, rate_limit=inngest.RateLimit(limit=1, period=_HOUR, key="event.data.who")))
    for who in ("a", "b", "a", "b", "a"):
        await on.send("main", data={"who": who})
    await on.until_ended(2)
    await asyncio.sleep(1)  # no further one comes
    expect(len([run for run in await on.runs() if run.status == "COMPLETED"]), 2)


async def _concurrent_by_key(on: Bench) -> None:
    limit = inngest.Concurrency(limit=1, key="event.data.who")
    await on.serve(on.function(_slow, concurrency=[limit]))
    for who in ("a", "b", "a"):
        await on.send("main", data={"who": who})
    await on.until_ended(3)


def _singleton(mode: Literal["skip", "cancel"], statuses: list[str]) -> Drive:
    async def drive(on: Bench) -> None:
        async def main(ctx: inngest.Context) -> None:
            await ctx.step.sleep("nap", timedelta(seconds=6))

        await on.serve(on.function(main, singleton=inngest.Singleton(mode=mode)))
        await on.send("main")
        [first] = await on.until_runs(1)
        await on.until_step(first.id, "SLEEP")
        await on.send("main")
        ended = await on.until_ended(len(statuses))
        expect(sorted(run.status for run in ended), statuses)

    return drive


async def _priority(on: Bench) -> None:
    await on.serve(
        on.function(
            _look,
            priority=inngest.Priority(run="event.data.urgent ? 100 : 0"),
            concurrency=[inngest.Concurrency(limit=1)],
        )
    )
    for urgent in (False, False, True):
        await on.send("main", data={"urgent": urgent})
    await on.until_ended(3)


async def _same_event_id(on: Bench) -> None:
    await on.serve(on.function(_look))
    for _ in range(2):
        await on.send("main", event_id=f"{on.prefix}-once")
    await on.until_ended()
    await asyncio.sleep(1)  # no second one comes
    expect(len(await on.runs()), 1)


async def _same_key(on: Bench) -> None:
    await on.serve(on.function(_look, idempotency="event.data.order"))
    for order in ("a", "b", "a"):
        await on.send("main", data={"order": f"{on.prefix}-{order}"})
    await on.until_ended(2)
    await asyncio.sleep(1)  # no third one comes
    expect(len([run for run in await on.runs() if run.status == "COMPLETED"]), 2)


async def _lists_skipped(on: Bench) -> bool:
    told = await on.session.api.ask('{__type(name: "RunTraceSpan"){fields{name}}}')
    return "skipReason" in {each["name"] for each in (told.get("__type") or {}).get("fields") or []}


_SKIPPED = Need("a list of runs that were skipped", _lists_skipped)

SCENARIOS = (
    # Three events in a burst: one run with one step.
    Scenario(
        name="debounce",
        drive=_burst(3, 1, debounce=inngest.Debounce(period=_SECOND)),
        documented={"function_run": 1, "step.run": 1},
        requests=2,
        differences={"runs/events": {"debounced": 2}},
    ),
    Scenario(
        name="debounce by key",
        drive=_debounced_by_key,
        documented={"function_run": 2, "step.run": 2},
        requests=2 * 2,
        differences={"runs/events": {"debounced": 3}},
    ),
    # Three events fill it: one run.
    Scenario(
        name="batch that is full",
        drive=_burst(3, 1, batch_events=inngest.Batch(max_size=3, timeout=timedelta(seconds=30))),
        documented={"function_run": 1, "step.run": 1},
        requests=2,
    ),
    Scenario(
        name="batch whose time is over",
        drive=_batch_over_time,
        documented={"function_run": 1, "step.run": 1},
        requests=2,
    ),
    Scenario(
        name="batch by key",
        drive=_two_batches,
        documented={"function_run": 2, "step.run": 2},
        requests=2 * 2,
    ),
    # One run an hour: the others never begin, and cost nothing.
    Scenario(
        name="rate limit",
        drive=_burst(3, 1, rate_limit=inngest.RateLimit(limit=1, period=_HOUR)),
        documented={"function_run": 1, "step.run": 1},
        requests=2,
        differences={"runs/events": {"rate_limited": 2}},
        free=("skipped_run",),
    ),
    Scenario(
        name="rate limit by key",
        drive=_limited_by_key,
        documented={"function_run": 2, "step.run": 2},
        requests=2 * 2,
        differences={"runs/events": {"rate_limited": 3}},
        free=("skipped_run",),
    ),
    # A throttle delays: three runs.
    Scenario(
        name="throttle",
        drive=_burst(3, 3, throttle=inngest.Throttle(limit=1, period=_SECOND)),
        documented={"function_run": 3, "step.run": 3},
        requests=3 * 2,
    ),
    Scenario(
        name="concurrency",
        drive=_burst(4, 4, concurrency=[inngest.Concurrency(limit=1)]),
        documented={"function_run": 4, "step.run": 4},
        requests=4 * 2,
    ),
    Scenario(
        name="concurrency by key",
        drive=_concurrent_by_key,
        documented={"function_run": 3, "step.run": 3},
        requests=3 * 2,
    ),
    # The second never begins: a run in the list, and no execution.
    Scenario(
        name="singleton that skips",
        drive=_singleton("skip", ["COMPLETED", "SKIPPED"]),
        documented={"function_run": 1, "step.sleep": 1},
        requests=2,
        runs=2,
        needs=(_SKIPPED,),
        free=("skipped_run",),
    ),
    # The first is cancelled in its sleep by the second, which ends well.
    Scenario(
        name="singleton that cancels",
        drive=_singleton("cancel", ["CANCELLED", "COMPLETED"]),
        documented={"function_run": 2, "step.sleep": 2},
        by={"function_run": {"cancelled_run": 1, "run": 1}},
        requests=1 + 2,
    ),
    Scenario(name="priority", drive=_priority, documented={"function_run": 3, "step.run": 3}, requests=3 * 2),
    # The same event, told twice: one run.
    Scenario(
        name="idempotency by event id",
        drive=_same_event_id,
        documented={"function_run": 1, "step.run": 1},
        free=("skipped_run",),
        requests=2,
        differences={"runs/events": {"duplicate_event": 1}},
    ),
    # Three events for two orders.
    Scenario(
        name="idempotency by expression",
        drive=_same_key,
        documented={"function_run": 2, "step.run": 2},
        free=("skipped_run",),
        requests=2 * 2,
        differences={"runs/events": {"idempotent": 1}},
    ),
)
