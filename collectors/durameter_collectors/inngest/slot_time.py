"""What the runs of a task take of capacity: slot time, steps, state. From the wire; without it, from the trace.

"All code execution (including inside steps and outside of steps) uses a concurrency slot. Each request counts as a
single slot" (Inngest's docs, durable-execution/flow-control/concurrency). So a slot is held for as long as an SDK
request takes, and a step that sleeps, waits or invokes holds none: nobody asks the app anything meanwhile.

Open: what the server itself calls for a step (`step.ai.infer`, `step.fetch`). By the same page's definition, "an SDK
running code", it takes no slot; in the server's source it is called while the step's piece of the queue is held
(pkg/execution/executor/executor.go, handleGeneratorAIGateway). It is counted: the figure is an upper one there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from durameter_collectors.inngest.api.graphql import ENDED, RunTrace, Span
from durameter_collectors.inngest.wire.rows import WireCheckpoint, WireProblem, WireRequest

__all__ = ["RunSlotTime", "measures_of", "slot_time_of"]

_SERVERS_OWN = frozenset({"AI_GATEWAY", "GATEWAY"})
"""Operations of steps that the server executes by itself."""
_APPS = frozenset({"RUN", None})
"""Operations of steps that the app executes; a step that failed may have none."""

Rows = Sequence[WireRequest | WireCheckpoint | WireProblem]
Interval = tuple[datetime, datetime]
_Attempt = tuple[str | None, int]
"""Id of a step, and number of the attempt from 0."""


@dataclass(frozen=True, slots=True)
class RunSlotTime:
    """One run that has ended. None is what no source tells."""

    steps: int
    open_seconds: Decimal | None
    busy: tuple[Interval, ...] | None
    """When a slot was held, and for how long: one interval for each."""
    state_bytes: int | None
    output_bytes: int | None
    """Of the step with the largest output."""


def slot_time_of(record: RunTrace, rows: Rows | None, *, steps: int) -> RunSlotTime | None:
    """What one run takes; None for a run that has not ended.

    Args:
        record: the run with its settled trace.
        rows: what passed of it, in order; None where there is no tap.
        steps: its distinct steps, as they were counted.
    """
    if record.status not in ENDED:
        return None
    spans = tuple(_attempts(record.trace)) if record.trace is not None else ()
    gateways = _by_attempt([span for span in spans if span.step_op in _SERVERS_OWN])
    # What cannot be read, or does not pass (Connect), is not on the wire: then only the trace has the whole.
    if rows is None or any(isinstance(row, WireProblem) and row.grave for row in rows):
        apps = _by_attempt([span for span in spans if span.step_op in _APPS])
        busy = None if apps is None or gateways is None else (*apps.values(), *gateways.values())
        return RunSlotTime(steps, _open_seconds(record), busy, None, None)
    asked = [row for row in rows if isinstance(row, WireRequest)]
    taken = [row for row in rows if isinstance(row, WireCheckpoint) and row.status < 300]
    operations = [each for row in taken for each in row.operations]
    operations += [each for row in asked for each in row.operations]
    outputs = {each.id: each.output_bytes for each in operations if each.output_bytes}
    sent = [
        row.state_bytes + sum(each.output_bytes for each in row.operations)
        for row in asked
        if row.state_bytes is not None
    ]
    return RunSlotTime(
        steps,
        _open_seconds(record),
        None if gateways is None else (*((row.asked, row.time) for row in asked), *_after_requests(gateways, asked)),
        # The server does not send a large state along: then the outputs that passed are what is known of it.
        max([*sent, sum(outputs.values())]) if asked else None,
        max(outputs.values(), default=0),
    )


def measures_of(of_runs: Sequence[RunSlotTime | None]) -> dict[str, Decimal]:
    """What all runs of a task take; a name is missing where it is not known of every run.

    A task without a run of its own (its events were batched into another task's) takes nothing, which is known.

    Returns:
        `step_seconds` and `open_seconds`: sums over the runs. `step_overlap_seconds`: the integral, over time, of the
        square of how many steps of the task hold a slot; equal to `step_seconds` if never two are at once.
        `steps_in_longest_run`, `state_bytes_longest`, `step_output_bytes_largest`: of the run that has most.
    """
    runs = [each for each in of_runs if each is not None]
    if len(runs) < len(of_runs):
        return {}
    found: dict[str, Decimal] = {}
    opened = [run.open_seconds for run in runs if run.open_seconds is not None]
    if len(opened) == len(runs):
        found["open_seconds"] = sum(opened, Decimal(0))
    busy = [run.busy for run in runs if run.busy is not None]
    if len(busy) == len(runs):
        intervals = [interval for each in busy for interval in each]
        found["step_seconds"] = sum((_decimal(end - begun) for begun, end in intervals), Decimal(0))
        found["step_overlap_seconds"] = _overlap(intervals)
    for name, sizes in (
        ("steps_in_longest_run", [run.steps for run in runs]),
        ("state_bytes_longest", [run.state_bytes for run in runs]),
        ("step_output_bytes_largest", [run.output_bytes for run in runs]),
    ):
        whole = [each for each in sizes if each is not None]
        if whole and len(whole) == len(runs):
            found[name] = Decimal(max(whole))
    return found


def _overlap(intervals: Sequence[Interval]) -> Decimal:
    """The integral over time of n squared, where n intervals cover a moment."""
    changes = sorted([(begun, 1) for begun, _ in intervals] + [(end, -1) for _, end in intervals])
    total, active = Decimal(0), 0
    for (moment, change), (after, _) in pairwise(changes):
        active += change
        total += active**2 * _decimal(after - moment)
    return total


def _open_seconds(record: RunTrace) -> Decimal | None:
    begun = record.started_at or record.queued_at
    # What the run itself says of its end is ten seconds late if the API cancelled it (1.44.0, measured).
    ended = (record.trace.ended_at if record.trace else None) or record.ended_at
    if begun is None or ended is None:
        return Decimal(0) if record.status == "SKIPPED" else None
    return max(_decimal(ended - begun), Decimal(0))


def _attempts(trace: Span) -> Iterator[Span]:
    """Spans of attempts: those of steps that have no further attempts of theirs below. The tree lists most twice."""
    for child in trace.children_spans:
        if child.name == "Finalization" and child.step_id is None:
            continue
        if child.step_id is not None and not any(each.step_id for each in child.children_spans):
            yield child
        yield from _attempts(child)


def _by_attempt(spans: Sequence[Span]) -> dict[_Attempt, Interval] | None:
    """Times by step and attempt, the longest where one is listed twice; None where an attempt has no times."""
    longest: dict[_Attempt, Interval] = {}
    for span in spans:
        if span.started_at is None or span.ended_at is None:
            continue
        key = (span.step_id, span.attempts or 0)
        known = longest.get(key)
        if known is None or span.ended_at - span.started_at > known[1] - known[0]:
            longest[key] = (span.started_at, span.ended_at)
    if any((span.step_id, span.attempts or 0) not in longest for span in spans):
        return None
    return longest


def _after_requests(gateways: Mapping[_Attempt, Interval], asked: Sequence[WireRequest]) -> Iterator[Interval]:
    """What the server did by itself, without the request that told it to: both hold one slot, one after the other.

    Their span begins with that request (1.44.0, measured).
    """
    for (step_id, _), (begun, ended) in gateways.items():
        told = [row.time for row in asked if any(each.id == step_id for each in row.operations)]
        yield max([begun, *(moment for moment in told if begun <= moment <= ended)]), ended


def _decimal(length: timedelta) -> Decimal:
    return Decimal(length // timedelta(microseconds=1)) / 1_000_000
