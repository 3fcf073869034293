"""The named differences between Inngest's sources, each with its quantity by run and kind, from evidence."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from durameter.results.reconcile import Corrections
from durameter_collectors.inngest.opcodes import units_per_run
from durameter_collectors.inngest.runs import CountedRun
from durameter_collectors.inngest.store.read import StoreReading
from durameter_collectors.inngest.store.records import StoredRun
from durameter_collectors.inngest.trace import steps_of
from durameter_collectors.inngest.wire.client import WireIndex
from durameter_collectors.inngest.wire.rows import WireEvents
from durameter_collectors.inngest.wire.runs import RunOnWire
from durameter_collectors.rulebook import load_rulebook
from durameter_collectors.units import Unit

__all__ = [
    "LATE",
    "NEVER_ASKED",
    "NEVER_REACHED",
    "REQUESTS",
    "UNANSWERED",
    "Evidence",
    "answered_requests",
    "late_and_taken",
    "late_replies",
    "never_asked",
    "unanswered_steps",
]

# What all sources said by the end of an Inngest measurement.


@dataclass(frozen=True)
class Evidence:
    """What all sources said by the end of a measurement."""

    ledger: Sequence[Unit]
    runs: Mapping[str, CountedRun]
    """Every run that belongs to a task, by id."""
    apps: Sequence[str]
    """Ids of the apps that were served."""
    wire: WireIndex | None
    """None without a tap."""
    events: Sequence[WireEvents]
    """Events that passed during the measurement."""
    own_events: Collection[str]
    """Ids of events that started runs and that the server made by itself."""
    events_tapped: bool
    """Whether clients and apps reach the server through the tap."""
    store: StoreReading | None
    store_problem: str
    """Why there is none."""
    store_troubles: Sequence[str]
    """What the server's log says against its store."""
    rest: Mapping[str, Mapping[str, Decimal]] | None
    """Run → kind → units by the server's REST API, of the runs that it tells whole; None where it has none."""
    rest_problems: Sequence[str]
    """Runs that it did not tell, and why."""
    unattributed: Sequence[str]
    """Runs that belong to no task, in words."""


LATE = "reply_after_cancellation"
"""Name of the difference: replies to runs that were cancelled meanwhile, whose steps the server did not take."""
NEVER_ASKED = "cancelled_before_start"
"""Name of the difference: runs that were cancelled before the app was asked for anything."""
NEVER_REACHED = "app_never_reached"
"""Name of the difference: runs that failed because no connection to the app came about."""
UNANSWERED = "asked_unanswered"
"""Name of the difference: planned steps that the app was asked for and never answered. They were begun; the database
says only that they were planned."""
REQUESTS = "SDK request"
"""What is compared beside units, between store and wire: requests that got a reply."""


def late_replies(found: Evidence, wire: WireIndex, seen: Mapping[str, RunOnWire]) -> dict[str, Corrections]:
    """What came after a run was cancelled, by run: the server cannot take it any more."""
    late: dict[str, Corrections] = {}
    for run_id in seen.keys() & found.runs.keys():
        in_time = _in_time(found, wire, run_id)
        # Old servers take such a reply (1.12.1): what they have of it is not late.
        traced = {step.id for step in steps_of(found.runs[run_id].record)}
        in_time.steps |= {step_id: step for step_id, step in seen[run_id].steps.items() if step_id in traced}
        before = units_per_run({run_id: in_time})[run_id]
        whole = units_per_run({run_id: seen[run_id]})[run_id]
        whole[REQUESTS] = answered_requests(seen[run_id])
        stored = found.store.runs.get(run_id) if found.store else None
        taken = answered_requests(stored) if stored else Decimal(0)
        before[REQUESTS] = max(answered_requests(in_time), min(taken, whole[REQUESTS]))
        parts = {kind: {LATE: count - before.get(kind, Decimal(0))} for kind, count in whole.items()}
        late[run_id] = {kind: part for kind, part in parts.items() if part[LATE]}
    return late


def _in_time(found: Evidence, wire: WireIndex, run_id: str) -> RunOnWire:
    """A run as the wire saw it, and if it was cancelled, until then."""
    record = found.runs[run_id].record
    # What the run itself says of its end is ten seconds late if the API cancelled it (1.44.0, measured).
    ended = (record.trace.ended_at if record.trace else None) or record.ended_at
    if record.status == "CANCELLED" and ended is not None:
        return wire.run_until(run_id, ended)
    return wire.runs[run_id]


def unanswered_steps(found: Evidence, wire: WireIndex, seen: Mapping[str, RunOnWire]) -> dict[str, Corrections]:
    """Steps that the app was asked for by name and never answered, and that the database has as planned."""
    silent: dict[str, Corrections] = {}
    if found.store is None:
        return silent
    by_id = found.store.table == "spans"  # old servers know planned steps by their names
    for run_id in seen.keys() & found.runs.keys() & found.store.runs.keys():
        stored = found.store.runs[run_id]
        planned = set(stored.planned if by_id else stored.planned.values())
        steps = {
            step_id: step
            for step_id, step in _in_time(found, wire, run_id).steps.items()
            if not step.answered and step_id not in stored.steps and (step_id if by_id else step.name) in planned
        }
        alone = units_per_run({run_id: RunOnWire(steps=steps)})[run_id]
        alone.pop(load_rulebook("inngest").rule("run").kind)
        silent[run_id] = {kind: {UNANSWERED: count} for kind, count in alone.items()}
    return silent


def late_and_taken(found: Evidence, wire: WireIndex, seen: Mapping[str, RunOnWire]) -> dict[str, Corrections]:
    """Steps that came so late after a cancellation that the task had been counted, and that the server took."""
    taken: dict[str, Corrections] = {}
    if found.store is None:
        return taken
    for run_id in seen.keys() & found.runs.keys() & found.store.runs.keys():
        known = {step.id for step in steps_of(found.runs[run_id].record)} | _in_time(found, wire, run_id).steps.keys()
        stored = found.store.runs[run_id].steps
        late = {i: step for i, step in seen[run_id].steps.items() if i in stored and i not in known}
        alone = units_per_run({run_id: RunOnWire(steps=late)})[run_id]
        alone.pop(load_rulebook("inngest").rule("run").kind)
        taken[run_id] = {kind: {LATE: count} for kind, count in alone.items()}
    return taken


def never_asked(found: Evidence, wire: WireIndex, seen: Mapping[str, RunOnWire]) -> dict[str, Corrections]:
    """Runs for which the app was never asked anything, and why."""
    rule = load_rulebook("inngest").rule("run")
    never: dict[str, Corrections] = {}
    for run_id, run in found.runs.items():
        if run_id in seen or run.record.status == "SKIPPED":
            continue
        if run.record.status == "CANCELLED":
            never[run_id] = {rule.kind: {NEVER_ASKED: -rule.quantity}}
        elif run.record.status == "FAILED" and _unreached(run, wire):
            never[run_id] = {rule.kind: {NEVER_REACHED: -rule.quantity}}
    return never


def _unreached(run: CountedRun, wire: WireIndex) -> bool:
    """Whether a connection to an app came to nothing while the run was going."""
    begun, ended = run.record.queued_at or run.record.started_at, run.record.ended_at
    return any(
        row.route == "app" and (begun is None or begun <= row.time) and (ended is None or row.time <= ended)
        for row in wire.unreached
    )


def answered_requests(run: RunOnWire | StoredRun) -> Decimal:
    """Requests of a run that got a reply: the server counts also some that it then did not send."""
    return Decimal(run.requests - run.unanswered)
