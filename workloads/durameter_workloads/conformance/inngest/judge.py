"""Holds what came of a scenario against what was derived by hand."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal

from durameter.conformance import Counts, Outcome, State
from durameter.engines.base import TaskCount
from durameter.results.reconcile import Reconciliation
from durameter_workloads.conformance.common.judging import by_kind, exact, unexplained, unlike
from durameter_workloads.conformance.inngest.scenario import Scenario

__all__ = ["flat", "judge", "on_wire"]

_WIRE = ("trace", "wire")


def judge(scenario: Scenario, count: TaskCount, proofs: Sequence[Reconciliation], seconds: float) -> Outcome:
    """Compare a count and its proofs with the scenario.

    Args:
        scenario: what was expected.
        count: the units of its roots.
        proofs: every comparison of sources.
        seconds: how long it took.
    """
    documented, upper = by_kind(count, "documented"), by_kind(count, "upper")
    wire = next((_read(proof) for proof in proofs if _pair(proof) == _WIRE and proof.state != "not checked"), None)
    differences = _differences(proofs)
    wrong = [
        *unlike("executions as documented", scenario.documented, documented),
        *unlike("by rule", scenario.rules, _by_rule(count)),
        *unlike("retry exposure", scenario.upper, upper),
        *_measures(scenario, count),
        *unexplained(proofs),
        *unlike("differences", flat(scenario.differences), differences),
        *(f"a unit of {unit.kind} without cause or evidence" for unit in count.units if not unit.cause),
    ]
    if wire is not None:
        wrong += unlike("executions on the wire", on_wire(scenario), wire)
    if len(count.gaps) != scenario.gaps:
        wrong.append(f"{len(count.gaps)} gaps instead of {scenario.gaps}")
    if not count.counted:
        wrong.append("no count could be made")
    agreed: State = "explained" if differences else "pass"
    return Outcome(
        name=scenario.name,
        state="unexplained" if wrong else agreed,
        expected=exact(scenario.documented),
        counted=documented,
        open_expected=exact(scenario.upper),
        open_counted=upper,
        second_expected=exact(on_wire(scenario)),
        second_read=wire,
        differences_expected=exact(flat(scenario.differences)),
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


def _by_rule(count: TaskCount) -> Counts:
    counts: dict[str, Decimal] = defaultdict(Decimal)
    for unit in count.units:
        if unit.reading == "documented":
            counts[unit.rule] += unit.quantity
    return dict(counts)


def _measures(scenario: Scenario, count: TaskCount) -> list[str]:
    """Runs and SDK requests, which are no executions by themselves."""
    wrong = []
    if len(count.runs) != scenario.all_runs:
        wrong.append(f"{len(count.runs)} runs instead of {scenario.all_runs}")
    requests = count.measures.get("sdk_requests")
    if scenario.requests is not None and requests != scenario.requests:
        wrong.append(f"{requests} SDK requests instead of {scenario.requests}")
    return wrong


def _pair(proof: Reconciliation) -> tuple[str, str]:
    return proof.source, proof.other


def _read(proof: Reconciliation) -> Counts:
    """What the other source says, by kind."""
    return {line.kind: line.other for line in proof.lines if line.other}


def _differences(proofs: Sequence[Reconciliation]) -> Counts:
    """The corrections by comparison and name."""
    named: dict[str, Decimal] = defaultdict(Decimal)
    for proof in proofs:
        for line in proof.lines:
            for name, units in line.corrections.items():
                named[f"{'/'.join(_pair(proof))} {name}"] += units
    return {name: units for name, units in named.items() if units}
