"""Every comparison that Inngest's sources allow: trace, store and wire against each other, runs against events.

Each difference gets its name and its quantity from evidence; what is left is unexplained.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from durameter.engines.inngest.triggers import triggered
from durameter.reconcile import Corrections, Reconciliation, by_place, merged, state_of
from durameter_collectors.inngest import store as stores
from durameter_collectors.inngest import trace as traces
from durameter_collectors.inngest.counts import units_per_run
from durameter_collectors.inngest.runs import CountedRun
from durameter_collectors.inngest.store import StoredRun, StoreReading, counts_in_store
from durameter_collectors.inngest.trace import steps_of
from durameter_collectors.inngest.wire import log as wires
from durameter_collectors.inngest.wire.index import WireIndex
from durameter_collectors.inngest.wire.record import WireEvents
from durameter_collectors.inngest.wire.runs import RunOnWire
from durameter_collectors.rulebook import load_rulebook
from durameter_collectors.units import Unit

__all__ = ["LATE", "NEVER_ASKED", "NEVER_REACHED", "REQUESTS", "UNANSWERED", "Evidence", "prove"]

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

_Counts = Mapping[str, Decimal]
_ByRun = dict[str, dict[str, Decimal]]


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
    rest: Mapping[str, _Counts] | None
    """Run → kind → units by the server's REST API, of the runs that it tells whole; None where it has none."""
    rest_problems: Sequence[str]
    """Runs that it did not tell, and why."""
    strangers: Sequence[str]
    """Runs of nobody, in words."""


def prove(found: Evidence) -> tuple[Reconciliation, ...]:
    """Make every comparison that the sources allow; the one that proves the ledger first."""
    traced = {run_id: run.count.traced for run_id, run in found.runs.items()}
    repaired = {run_id: run.count.corrections for run_id, run in found.runs.items()}
    silent: dict[str, Corrections] = {}
    taken: dict[str, Corrections] = {}
    proofs: list[Reconciliation] = []
    if found.wire is None:
        proofs.append(_unchecked("trace", "wire", "the tap is switched off: [inngest] tap = false"))
    else:
        seen = _seen(found, found.wire)
        passed = units_per_run(seen)
        late = _late(found, found.wire, seen)
        never = _never(found, found.wire, seen)
        silent = _silent(found, found.wire, seen)
        taken = _taken(found, found.wire, seen)
        problems = [*_problems(found.wire, seen), *_beside(found, seen, never), *found.strangers]
        proofs.append(_against("trace", "wire", traced, passed, [repaired, _units(late), never], problems, found))
        if found.store is None:
            proofs[0] = proofs[0].model_copy(update={"notes": (*proofs[0].notes, found.store_problem)})
    if found.store is None:
        if found.wire is None:
            proofs.append(_unchecked("trace", "store", found.store_problem))
    else:
        stored = counts_in_store(found.store.runs)
        problems = [f"run {run}: {what}" for run, each in found.store.runs.items() for what in each.problems]
        problems += found.store_troubles
        if found.wire is None:
            problems += found.strangers
        proofs.append(_against("trace", "store", traced, stored, [repaired, _negative(silent), taken], problems, found))
        if found.wire is not None:
            proofs.append(
                _against(
                    "store",
                    "wire",
                    _with_requests(stored, found.store.runs),
                    _with_requests(passed, seen),
                    [late, never, silent, _negative(taken)],
                    [],
                    found,
                )
            )
    if found.rest is not None:
        proofs.append(_rest(traced, found.rest, found.rest_problems, taken))
    elif found.rest_problems:
        proofs.append(_unchecked("trace", "REST", "; ".join(found.rest_problems)))
    if found.wire is not None:
        proofs.append(_ledger(found, traced, repaired))
        proofs.append(
            triggered(found.runs, found.events, found.wire.functions, found.apps, found.own_events)
            if found.events_tapped
            else _unchecked("runs", "events", "events do not pass the tap: the server speaks TLS")
        )
    return tuple(proofs)


def _rest(
    traced: Mapping[str, _Counts],
    rest: Mapping[str, _Counts],
    problems: Sequence[str],
    taken: Mapping[str, Corrections],
) -> Reconciliation:
    """The same spans by other code, which tells the number of an attempt of some steps only."""
    retry = load_rulebook("inngest").rule("step_retry").kind

    def without_retries(counts: Mapping[str, _Counts]) -> _ByRun:
        return {run: {kind: n for kind, n in kinds.items() if kind != retry} for run, kinds in counts.items()}

    told = {run: kinds for run, kinds in traced.items() if run in rest}
    later = {
        run: {kind: parts for kind, parts in kinds.items() if kind != retry}
        for run, kinds in taken.items()
        if run in rest
    }
    lines = by_place(without_retries(told), without_retries(rest), later)
    state = state_of(lines, problems)
    return Reconciliation(
        source="trace", other="REST", independent=False, state=state, lines=lines, notes=tuple(problems)
    )


def _unchecked(source: str, other: str, why: str) -> Reconciliation:
    return Reconciliation(source=source, other=other, state="not checked", notes=(why,))


def _against(
    source: str,
    other: str,
    ours: Mapping[str, _Counts],
    theirs: Mapping[str, _Counts],
    corrections: Iterable[Mapping[str, Corrections]],
    problems: Sequence[str],
    found: Evidence,
) -> Reconciliation:
    together: dict[str, dict[str, dict[str, Decimal]]] = {}
    for by_run in corrections:
        together |= {run: merged(together.get(run, {}), parts) for run, parts in by_run.items()}
    lines = by_place(ours, theirs, together)
    one_table = {source, other} == {"trace", "store"} and found.store is not None and found.store.table == "spans"
    notes = ["trace and store are two views of one table on this server"] if one_table else []
    spots = {"trace": traces.BLIND_SPOTS, "wire": wires.BLIND_SPOTS, "store": stores.BLIND_SPOTS}
    common = [spot for spot in spots[source] if spot in spots[other]]
    return Reconciliation(
        source=source,
        other=other,
        independent=not one_table,
        state=state_of(lines, problems),
        lines=lines,
        notes=(*problems, *notes),
        blind_spots=tuple(common),
    )


def _seen(found: Evidence, wire: WireIndex) -> dict[str, RunOnWire]:
    """Runs that passed: those that belong to a task, and any other one of the served apps."""
    prefixes = tuple(f"{app}-" for app in found.apps)
    return {
        run_id: run
        for run_id, run in wire.runs.items()
        if run_id in found.runs or (prefixes and run.function.startswith(prefixes))
    }


def _late(found: Evidence, wire: WireIndex, seen: Mapping[str, RunOnWire]) -> dict[str, Corrections]:
    """What came after a run was cancelled, by run: the server cannot take it any more."""
    late: dict[str, Corrections] = {}
    for run_id in seen.keys() & found.runs.keys():
        in_time = _in_time(found, wire, run_id)
        # Old servers take such a reply (1.12.1): what they have of it is not late.
        traced = {step.id for step in steps_of(found.runs[run_id].record)}
        in_time.steps |= {step_id: step for step_id, step in seen[run_id].steps.items() if step_id in traced}
        before = units_per_run({run_id: in_time})[run_id]
        whole = units_per_run({run_id: seen[run_id]})[run_id]
        whole[REQUESTS] = _answered(seen[run_id])
        stored = found.store.runs.get(run_id) if found.store else None
        taken = _answered(stored) if stored else Decimal(0)
        before[REQUESTS] = max(_answered(in_time), min(taken, whole[REQUESTS]))
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


def _silent(found: Evidence, wire: WireIndex, seen: Mapping[str, RunOnWire]) -> dict[str, Corrections]:
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


def _taken(found: Evidence, wire: WireIndex, seen: Mapping[str, RunOnWire]) -> dict[str, Corrections]:
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


def _negative(corrections: Mapping[str, Corrections]) -> dict[str, Corrections]:
    return {
        run: {kind: {name: -count for name, count in parts.items()} for kind, parts in kinds.items()}
        for run, kinds in corrections.items()
    }


def _units(late: Mapping[str, Corrections]) -> dict[str, Corrections]:
    """Without requests, of which traces know nothing."""
    return {run: {kind: parts for kind, parts in kinds.items() if kind != REQUESTS} for run, kinds in late.items()}


def _never(found: Evidence, wire: WireIndex, seen: Mapping[str, RunOnWire]) -> dict[str, Corrections]:
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


def _beside(found: Evidence, seen: Mapping[str, RunOnWire], never: Mapping[str, Corrections]) -> list[str]:
    """Functions whose runs did not pass, though the app was asked for them."""
    unseen = [run for run_id, run in found.runs.items() if run_id not in seen and run_id not in never]
    slugs = sorted({run.record.function.slug for run in unseen if run.record.status != "SKIPPED"})
    return [
        f"runs of {slug} did not pass the tap: its app is registered at an address beside it. Let the app register "
        "with the origin that before_app() gives"
        for slug in slugs
    ]


def _unreached(run: CountedRun, wire: WireIndex) -> bool:
    """Whether a connection to an app came to nothing while the run was going."""
    begun, ended = run.record.queued_at or run.record.started_at, run.record.ended_at
    return any(
        row.route == "app" and (begun is None or begun <= row.time) and (ended is None or row.time <= ended)
        for row in wire.unreached
    )


def _answered(run: RunOnWire | StoredRun) -> Decimal:
    return Decimal(run.requests - run.unanswered)


def _with_requests(counts: Mapping[str, _Counts], runs: Mapping[str, RunOnWire] | Mapping[str, StoredRun]) -> _ByRun:
    """Counts and the requests that got a reply: the server counts also some that it then did not send."""
    answered = {run_id: _answered(run) for run_id, run in runs.items()}
    return {run_id: {**counts.get(run_id, {}), REQUESTS: answered.get(run_id, Decimal(0))} for run_id in answered}


def _problems(wire: WireIndex, seen: Mapping[str, RunOnWire]) -> list[str]:
    told = [f"run {run}: {problem}" for run, each in seen.items() for problem in each.problems]
    told += [f"the tap: exchange {each.call}: {each.what}" for each in wire.problems if each.grave]
    return told


def _ledger(found: Evidence, traced: Mapping[str, _Counts], repaired: Mapping[str, Corrections]) -> Reconciliation:
    """The ledger is the trace and what the wire repairs in it, and nothing is mislaid or doubled."""
    ours: _ByRun = defaultdict(lambda: defaultdict(Decimal))
    for unit in found.ledger:
        ours[unit.run][unit.kind] += unit.quantity
    lines = by_place(ours, traced, _negative(repaired))
    return Reconciliation(source="ledger", other="trace", independent=False, state=state_of(lines, ()), lines=lines)
