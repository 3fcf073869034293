"""Holds what came of a scenario against what was derived by hand."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal

from durameter.conformance import Outcome, State
from durameter.engines.base import TaskCount
from durameter.reconcile import Reconciliation
from durameter_workloads.conformance.inngest.scenario import Scenario

__all__ = ["failed", "flat", "judge", "on_wire", "skipped"]

_Counts = dict[str, Decimal]
_WIRE = ("trace", "wire")


def skipped(scenario: Scenario, why: str, seconds: float) -> Outcome:
    """The server does not offer what the scenario needs."""
    return Outcome(name=scenario.name, state="skipped", why=why, seconds=seconds)


def failed(scenario: Scenario, why: str, seconds: float) -> Outcome:
    """The scenario could not be carried out."""
    return Outcome(name=scenario.name, state="failed", why=why, seconds=seconds)


def judge(scenario: Scenario, count: TaskCount, proofs: Sequence[Reconciliation], seconds: float) -> Outcome:
    """Hold a count and its proofs against the scenario.

    Args:
        scenario: what was expected.
        count: the units of its roots.
        proofs: every comparison of sources.
        seconds: how long it took.
    """
    documented, upper = _by_kind(count, "documented"), _by_kind(count, "upper")
    wire = next((_read(proof) for proof in proofs if _pair(proof) == _WIRE and proof.state != "not checked"), None)
    differences = _differences(proofs)
    wrong = [
        *_unlike("executions as documented", scenario.documented, documented),
        *_unlike("by rule", scenario.rules, _by_rule(count)),
        *_unlike("retry exposure", scenario.upper, upper),
        *_measures(scenario, count),
        *_unexplained(proofs),
        *_unlike("differences", flat(scenario.differences), differences),
        *(f"a unit of {unit.kind} without cause or evidence" for unit in count.units if not unit.cause),
    ]
    if wire is not None:
        wrong += _unlike("executions on the wire", on_wire(scenario), wire)
    if len(count.gaps) != scenario.gaps:
        wrong.append(f"{len(count.gaps)} gaps instead of {scenario.gaps}")
    if not count.counted:
        wrong.append("no count could be made")
    agreed: State = "explained" if differences else "pass"
    return Outcome(
        name=scenario.name,
        state="unexplained" if wrong else agreed,
        expected=_exact(scenario.documented),
        counted=documented,
        open_expected=_exact(scenario.upper),
        open_counted=upper,
        second_expected=_exact(on_wire(scenario)),
        second_read=wire,
        differences_expected=_exact(flat(scenario.differences)),
        differences_found=differences,
        gaps_expected=scenario.gaps,
        gaps=tuple(gap.what for gap in count.gaps),
        wrong=tuple(wrong),
        rules=tuple(sorted({unit.rule for unit in count.units})),
        seconds=seconds,
    )


def flat(differences: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """`trace/wire retries_untold` → units: one level, as outcomes have it."""
    return {f"{pair} {name}": units for pair, names in differences.items() for name, units in names.items()}


def on_wire(scenario: Scenario) -> dict[str, int]:
    """Executions of both readings, by kind, as the wire must see them: from the ledger over the trace to the wire."""
    kinds: dict[str, int] = defaultdict(int)
    for counts in (scenario.documented, scenario.upper):
        for kind, units in counts.items():
            kinds[kind] += units
    for pair in ("ledger/trace", "/".join(_WIRE)):
        for name, units in scenario.differences.get(pair, {}).items():
            kinds[_KIND_OF[name]] += units
    return {kind: units for kind, units in kinds.items() if units}


_KIND_OF = {
    "planned_never_begun": "step.run",
    "retries_untold": "step_retry",
    "reply_after_cancellation": "step.run",
    "cancelled_before_start": "function_run",
}
"""What a correction is counted in, in the suite's scenarios."""


def _exact(counts: Mapping[str, int]) -> _Counts:
    return {name: Decimal(count) for name, count in counts.items()}


def _by_kind(count: TaskCount, reading: str) -> _Counts:
    counts: dict[str, Decimal] = defaultdict(Decimal)
    for unit in count.units:
        if unit.reading == reading:
            counts[unit.kind] += unit.quantity
    return dict(counts)


def _by_rule(count: TaskCount) -> _Counts:
    counts: dict[str, Decimal] = defaultdict(Decimal)
    for unit in count.units:
        if unit.reading == "documented":
            counts[unit.rule] += unit.quantity
    return dict(counts)


def _unlike(what: str, expected: Mapping[str, int], found: Mapping[str, Decimal]) -> list[str]:
    return [
        f"{what}: {name} {found.get(name, 0)} instead of {expected.get(name, 0)}"
        for name in sorted({*expected, *found})
        if found.get(name, 0) != expected.get(name, 0)
    ]


def _measures(scenario: Scenario, count: TaskCount) -> list[str]:
    """Runs and SDK requests, which are no executions by themselves."""
    wrong = []
    if len(count.runs) != scenario.all_runs:
        wrong.append(f"{len(count.runs)} runs instead of {scenario.all_runs}")
    requests = count.measures.get("sdk_requests")
    if scenario.requests is not None and requests != scenario.requests:
        wrong.append(f"{requests} SDK requests instead of {scenario.requests}")
    return wrong


def _unexplained(proofs: Sequence[Reconciliation]) -> list[str]:
    wrong: list[str] = []
    for proof in proofs:
        name = f"{proof.source} against {proof.other}"
        mine = [f"{name}: {line.kind} {line.unexplained:+} unexplained" for line in proof.lines if line.unexplained]
        mine += [f"{name}: {line.kind} differs in {', '.join(line.where)}" for line in proof.lines if line.where]
        if proof.state == "differs":
            mine += [f"{name}: {note}" for note in proof.notes]
            mine = mine or [f"{name} differs"]
        wrong += mine
    return wrong


def _pair(proof: Reconciliation) -> tuple[str, str]:
    return proof.source, proof.other


def _read(proof: Reconciliation) -> _Counts:
    """What the other source says, by kind."""
    return {line.kind: line.other for line in proof.lines if line.other}


def _differences(proofs: Sequence[Reconciliation]) -> _Counts:
    """The corrections by comparison and name."""
    named: dict[str, Decimal] = defaultdict(Decimal)
    for proof in proofs:
        for line in proof.lines:
            for name, units in line.corrections.items():
                named[f"{'/'.join(_pair(proof))} {name}"] += units
    return {name: units for name, units in named.items() if units}
