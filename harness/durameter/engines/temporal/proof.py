"""Histories, wire, meter and ledger of one measurement, compared with each other."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from durameter.results.reconcile import Corrections, Reconciliation, against_meter, by_place, compare, merged, state_of
from durameter_collectors.rulebook import Rulebook, load_rulebook
from durameter_collectors.temporal.history import BLIND_SPOTS as HISTORY_BLIND_SPOTS
from durameter_collectors.temporal.merge_sources import HIDDEN_RETRIES
from durameter_collectors.temporal.runs import CountedRun
from durameter_collectors.temporal.wire.rows import WireAction
from durameter_collectors.units import Unit

__all__ = ["BATCH", "SCHEDULE_FIRES", "Evidence", "prove", "system_name"]

BATCH = "batch operations"
"""Name of the correction: what batch jobs did to workflows, which crosses no wire either."""
SCHEDULE_FIRES = "schedule fires"
"""Name of the correction: starts that the server itself made for a schedule, which cross no wire."""

_START = "grpc_StartWorkflowExecution"
_CLOUD_ONLY = "what only Temporal Cloud has: history export, fairness, high availability, provisioned capacity"
_NOT_METERED = (
    "workflow-task heartbeats, local-activity retries after them, standalone activities: the dev server meters none"
)

_Counts = Mapping[str, Decimal]


@dataclass(frozen=True)
class Evidence:
    """All that is known at the end of a measurement."""

    ledger: Sequence[Unit]
    history: Sequence[Unit]
    """Units of histories and descriptions of all tasks."""
    runs: Mapping[str, CountedRun]
    """Every run of every task, by run id."""
    wire: Sequence[WireAction] | None
    """What the tap saw in this namespace; None without a tap."""
    taken: set[int]
    """Places in `wire` of what belongs to tasks."""
    lost: Sequence[WireAction]
    """Retries of activities that were given up in back-off, or reset."""
    wire_problems: Sequence[str]
    """What the tap could not read, so that units may be missing."""
    wire_unknown: Sequence[str]
    """Calls of unknown outcome. The meter counts all they may have done: where it has no more, they did nothing."""
    wire_notices: Sequence[str]
    """What else is good to know of it."""
    meter: _Counts
    """`action_type` → Actions during the measurement."""
    meter_problem: str
    """Why there is no meter, or an empty string."""
    system: Mapping[str, _Counts]
    """Part of the server → `action_type` → what its workflows did."""
    batch: _Counts
    """Rule id → how often batch jobs did what it bills."""
    unattributed: Sequence[str]
    """What belongs to no task, in words."""


def system_name(part: str) -> str:
    """Name of the correction for traffic of the server's own workflows."""
    return f"system workflows ({part})"


def prove(found: Evidence) -> tuple[Reconciliation, ...]:
    """Every comparison that the sources at hand allow; the ledger's own first."""
    rules = load_rulebook("temporal")
    if found.wire is None:
        return (_ledger_against_meter(found, rules),)
    return (
        _ledger_against_meter(found, rules),
        _history_against_wire(found, found.wire, rules),
        _wire_against_meter(found, found.wire, rules),
        _ledger_against_wire(found, found.wire, rules),
    )


def _ledger_against_meter(found: Evidence, rules: Rulebook) -> Reconciliation:
    """The count that is shown, per kind. Corrections: by rule, and traffic of system workflows."""
    if found.meter_problem:
        return _no_meter("ledger", found)
    system: dict[str, dict[str, Decimal]] = {}
    for part, counts in found.system.items():
        for name, count in counts.items():
            kind = rules.metered_kind(name) or name
            system = merged(system, {kind: {system_name(part): count}})
    lines = against_meter(found.ledger, found.meter, rules, extra=merged(system, _metered_and_free(found, rules)))
    shown = {rule.kind for rule in rules.rules if "history" in rule.sources}
    hidden = [
        f"{line.kind}: no history shows these; without the tap they are noticed and nobody can say which task made them"
        for line in lines
        if line.unexplained and line.kind not in shown and found.wire is None
    ]
    return Reconciliation(
        source="ledger",
        other="meter",
        state=state_of(lines, found.unattributed),
        lines=lines,
        notes=(*found.unattributed, *hidden),
        blind_spots=(_CLOUD_ONLY,) if found.wire is not None else (_NOT_METERED, _CLOUD_ONLY),
    )


def _metered_and_free(found: Evidence, rules: Rulebook) -> Corrections:
    """Calls that cost nothing and that the meter counts, by rule: they make no row of the ledger."""
    free: dict[str, dict[str, Decimal]] = {}
    for action in found.wire or ():
        if action.meter and not rules.rule(action.rule).quantity:
            kind = rules.metered_kind(action.meter) or action.meter
            free = merged(free, {kind: {action.rule: Decimal(action.times)}})
    return free


def _no_meter(source: str, found: Evidence) -> Reconciliation:
    notes = (f"no second source for what only {source} shows: {found.meter_problem}", *found.unattributed)
    return Reconciliation(
        source=source,
        other="meter",
        state="differs" if found.unattributed or found.wire_unknown or found.wire_problems else "not checked",
        notes=(*notes, *found.wire_problems, *found.wire_unknown),
        blind_spots=HISTORY_BLIND_SPOTS if found.wire is None else (_CLOUD_ONLY,),
    )


def _wire_against_meter(found: Evidence, wire: Sequence[WireAction], rules: Rulebook) -> Reconciliation:
    """All calls of the namespace, also the unattributed ones, per `action_type`."""
    if found.meter_problem:
        return _no_meter("wire", found)
    seen: dict[str, Decimal] = defaultdict(Decimal)
    for action in wire:
        if action.meter:
            seen[action.meter] += action.times
    fires = Decimal(
        sum(1 for unit in found.history if unit.rule == "scheduled") // int(rules.rule("scheduled").quantity)
    )
    corrections = merged(
        {_START: {SCHEDULE_FIRES: fires}},
        {rules.rule(rule).meter[0]: {BATCH: count} for rule, count in found.batch.items()},
        *(
            {name: {system_name(part): count}}
            for part, counts in found.system.items()
            for name, count in counts.items()
        ),
    )
    lines = compare(seen, found.meter, corrections)
    return Reconciliation(
        source="wire",
        other="meter",
        state=state_of(lines, found.wire_problems),
        lines=lines,
        notes=(*found.wire_problems, *found.wire_unknown, *found.wire_notices),
        blind_spots=(_CLOUD_ONLY,),
    )


def _history_against_wire(found: Evidence, wire: Sequence[WireAction], rules: Rulebook) -> Reconciliation:
    """What both can see, per kind and workflow."""
    shared = {rule.id for rule in rules.rules if {"history", "wire"} <= set(rule.sources)}
    shared.add("update_with_start")  # histories show the start; the wire has told how it came
    ours = _by_workflow((unit for unit in found.history if unit.rule in shared), found.runs)
    mine = [wire[place] for place in sorted(found.taken)]
    lost: dict[str, dict[str, dict[str, Decimal]]] = {}
    for action in found.lost:
        kind = rules.rule(action.rule).kind
        lost[action.owner] = merged(lost.get(action.owner, {}), {kind: {HIDDEN_RETRIES: Decimal(action.times)}})
    theirs = _actions_by_owner(mine, shared, rules)
    unseen = _merged_places(_fires(found, rules), _batched(found, rules, ours, theirs))
    lines = by_place(ours, theirs, _merged_places(lost, unseen))
    return Reconciliation(source="history", other="wire", state=state_of(lines, ()), lines=lines)


def _ledger_against_wire(found: Evidence, wire: Sequence[WireAction], rules: Rulebook) -> Reconciliation:
    """Whether everything that the tap saw of the tasks is in the ledger, and nothing twice."""
    known = {rule.id for rule in rules.rules if "wire" in rule.sources}
    ours = _by_workflow((unit for unit in found.ledger if unit.rule in known), found.runs)
    mine = [wire[place] for place in sorted(found.taken)]
    theirs = _actions_by_owner(mine, known, rules)
    unseen = _merged_places(_fires(found, rules), _batched(found, rules, ours, theirs))
    lines = by_place(ours, theirs, unseen)
    return Reconciliation(source="ledger", other="wire", independent=False, state=state_of(lines, ()), lines=lines)


def _fires(found: Evidence, rules: Rulebook) -> dict[str, dict[str, dict[str, Decimal]]]:
    """Starts for schedules by workflow: the histories have them and the wire has not."""
    kind = rules.rule("start").kind
    fires: dict[str, dict[str, dict[str, Decimal]]] = {}
    for unit in found.history:
        run = found.runs[unit.run]
        if unit.rule == "start" and run.schedule:
            fires[run.link.workflow] = merged(
                fires.get(run.link.workflow, {}), {kind: {SCHEDULE_FIRES: -unit.quantity}}
            )
    return fires


def _batched(
    found: Evidence, rules: Rulebook, ours: Mapping[str, _Counts], theirs: Mapping[str, _Counts]
) -> dict[str, dict[str, dict[str, Decimal]]]:
    """What batch jobs did, by workflow: what histories have and the wire has not, if it is as much as the jobs say."""
    batched: dict[str, dict[str, dict[str, Decimal]]] = {}
    for rule, count in found.batch.items():
        kind = rules.rule(rule).kind
        more = {
            place: ours[place].get(kind, Decimal(0)) - theirs.get(place, {}).get(kind, Decimal(0)) for place in ours
        }
        more = {place: units for place, units in more.items() if units > 0}
        if sum(more.values()) == count:
            for place, units in more.items():
                batched[place] = merged(batched.get(place, {}), {kind: {BATCH: -units}})
    return batched


def _merged_places(
    one: Mapping[str, Mapping[str, _Counts]], other: Mapping[str, Mapping[str, _Counts]]
) -> dict[str, dict[str, dict[str, Decimal]]]:
    return {place: merged(one.get(place, {}), other.get(place, {})) for place in {*one, *other}}


def _by_workflow(units: Iterable[Unit], runs: Mapping[str, CountedRun]) -> dict[str, dict[str, Decimal]]:
    counts: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for unit in units:
        run = runs.get(unit.run)
        # A wire unit's evidence begins with its owner: a schedule, a standalone activity, a call that names no run.
        place = run.link.workflow if run else unit.evidence.rpartition(" call ")[0]
        counts[place][unit.kind] += unit.quantity
    return counts


def _actions_by_owner(
    actions: Iterable[WireAction], rule_ids: set[str], rules: Rulebook
) -> dict[str, dict[str, Decimal]]:
    counts: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for action in actions:
        rule = rules.rule(action.rule)
        if rule.id in rule_ids and rule.quantity:
            counts[action.owner][rule.kind] += rule.quantity * action.times
    return counts
