"""Every comparison that Inngest's sources allow: trace, store and wire against each other, runs against events.

Each difference gets its name and its quantity from evidence; what is left is unexplained.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from durameter.engines.inngest.differences import (
    REQUESTS,
    Evidence,
    answered_requests,
    late_and_taken,
    late_replies,
    never_asked,
    unanswered_steps,
)
from durameter.engines.inngest.triggers import triggered
from durameter.results.reconcile import Corrections, Reconciliation, by_place, merged, state_of
from durameter_collectors.inngest import trace as traces
from durameter_collectors.inngest.opcodes import units_per_run
from durameter_collectors.inngest.store import read as stores
from durameter_collectors.inngest.store.read import counts_in_store
from durameter_collectors.inngest.store.records import StoredRun
from durameter_collectors.inngest.wire import client as wires
from durameter_collectors.inngest.wire.client import WireIndex
from durameter_collectors.inngest.wire.runs import RunOnWire
from durameter_collectors.rulebook import load_rulebook

__all__ = ["prove"]

_Counts = Mapping[str, Decimal]
_ByRun = dict[str, dict[str, Decimal]]


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
        late = late_replies(found, found.wire, seen)
        never = never_asked(found, found.wire, seen)
        silent = unanswered_steps(found, found.wire, seen)
        taken = late_and_taken(found, found.wire, seen)
        problems = [*_problems(found.wire, seen), *_beside(found, seen, never), *found.unattributed]
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
            problems += found.unattributed
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
            triggered(
                found.runs,
                found.events,
                found.wire.functions,
                found.apps,
                found.own_events,
                first=found.wire.registered,
            )
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


def _negative(corrections: Mapping[str, Corrections]) -> dict[str, Corrections]:
    return {
        run: {kind: {name: -count for name, count in parts.items()} for kind, parts in kinds.items()}
        for run, kinds in corrections.items()
    }


def _units(late: Mapping[str, Corrections]) -> dict[str, Corrections]:
    """Without requests, of which traces know nothing."""
    return {run: {kind: parts for kind, parts in kinds.items() if kind != REQUESTS} for run, kinds in late.items()}


def _beside(found: Evidence, seen: Mapping[str, RunOnWire], never: Mapping[str, Corrections]) -> list[str]:
    """Functions whose runs did not pass, though the app was asked for them."""
    unseen = [run for run_id, run in found.runs.items() if run_id not in seen and run_id not in never]
    slugs = sorted({run.record.function.slug for run in unseen if run.record.status != "SKIPPED"})
    return [
        f"runs of {slug} did not pass the tap: its app is registered at an address beside it. Let the app register "
        "with the origin that before_app() gives"
        for slug in slugs
    ]


def _with_requests(counts: Mapping[str, _Counts], runs: Mapping[str, RunOnWire] | Mapping[str, StoredRun]) -> _ByRun:
    """Counts and the requests that got a reply: the server counts also some that it then did not send."""
    answered = {run_id: answered_requests(run) for run_id, run in runs.items()}
    return {run_id: {**counts.get(run_id, {}), REQUESTS: answered.get(run_id, Decimal(0))} for run_id in answered}


def _problems(wire: WireIndex, seen: Mapping[str, RunOnWire]) -> list[str]:
    told = [f"run {run}: {problem}" for run, each in seen.items() for problem in each.problems]
    told += [f"the tap: exchange {each.call}: {each.what}" for each in wire.problems if each.grave]
    return told


def _ledger(found: Evidence, traced: Mapping[str, _Counts], repaired: Mapping[str, Corrections]) -> Reconciliation:
    """The ledger is the trace and what the wire repairs in it, and nothing is lost or doubled."""
    ours: _ByRun = defaultdict(lambda: defaultdict(Decimal))
    for unit in found.ledger:
        ours[unit.run][unit.kind] += unit.quantity
    lines = by_place(ours, traced, _negative(repaired))
    return Reconciliation(source="ledger", other="trace", independent=False, state=state_of(lines, ()), lines=lines)
