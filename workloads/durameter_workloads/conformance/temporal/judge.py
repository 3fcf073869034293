"""Holds what came of a scenario against what was derived by hand."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from durameter.conformance import Counts, Outcome, State
from durameter.engines.base import TaskCount
from durameter.results.reconcile import Reconciliation
from durameter_workloads.conformance.common.judging import by_kind, exact, unexplained, unlike
from durameter_workloads.conformance.temporal.scenario import SYSTEM_WORKFLOWS, Scenario

__all__ = ["judge"]


def judge(scenario: Scenario, count: TaskCount, proofs: Sequence[Reconciliation] | None, seconds: float) -> Outcome:
    """Compare a count and its proofs with the scenario.

    Args:
        scenario: what was expected.
        count: the units of its roots.
        proofs: every comparison of sources; None where they cannot be told from those of other scenarios.
        seconds: how long it took.
    """
    cloud, upper = by_kind(count, "documented"), by_kind(count, "upper")
    wrong = [
        *unlike("Actions as documented", scenario.cloud, cloud),
        *unlike("Actions of open questions", scenario.open, upper),
        *_causes(scenario, count),
    ]
    if len(count.gaps) != scenario.gaps:
        wrong.append(f"{len(count.gaps)} gaps instead of {scenario.gaps}")
    wrong += unexplained(proofs or ())
    meter = _meter(proofs or ())
    differences, system = _differences(proofs or ())
    if meter is not None and differences is not None:
        wrong += unlike("meter", scenario.meter, meter)
        wrong += unlike("differences", scenario.differences, differences)
        strange = set(system) - {scenario.system}
        if strange:
            wrong.append(f"system workflows of {', '.join(sorted(strange))}")
    agreed: State = "explained" if differences or system else "pass"
    return Outcome(
        name=scenario.name,
        state="unexplained" if wrong else agreed,
        expected=exact(scenario.cloud),
        counted=cloud,
        open_expected=exact(scenario.open),
        open_counted=upper,
        second_expected=exact(scenario.meter),
        second_read=meter,
        differences_expected=exact(scenario.differences),
        differences_found=differences,
        system=system,
        gaps_expected=scenario.gaps,
        gaps=tuple(gap.what for gap in count.gaps),
        wrong=tuple(wrong),
        rules=tuple(sorted({unit.rule for unit in count.units})),
        seconds=seconds,
    )


def _causes(scenario: Scenario, count: TaskCount) -> list[str]:
    """Every unit has one, and where the scenario is about it, the right one."""
    wrong = [f"a unit of {unit.kind} without cause or evidence" for unit in count.units if not unit.cause]
    for kind, cause in scenario.causes.items():
        found = {unit.cause for unit in count.units if unit.kind == kind}
        if found != {cause}:
            wrong.append(f"cause of {kind}: {', '.join(sorted(found)) or 'none'} instead of {cause}")
    return wrong


def _meter(proofs: Sequence[Reconciliation]) -> Counts | None:
    """The meter's own reading per action type, which stands beside the wire's."""
    for proof in proofs:
        if (proof.source, proof.other) == ("wire", "meter") and proof.state != "not checked":
            read = {
                line.kind: line.other
                - sum((n for name, n in line.corrections.items() if name.startswith(SYSTEM_WORKFLOWS)), Decimal(0))
                for line in proof.lines
            }
            return {name: count for name, count in read.items() if count}
    return None


def _differences(proofs: Sequence[Reconciliation]) -> tuple[Counts | None, Counts]:
    """The corrections by name, and those of system workflows by the part of the server."""
    for proof in proofs:
        if (proof.source, proof.other) == ("ledger", "meter") and proof.state != "not checked":
            named: dict[str, Decimal] = defaultdict(Decimal)
            system: dict[str, Decimal] = defaultdict(Decimal)
            for line in proof.lines:
                for name, units in line.corrections.items():
                    if name.startswith(SYSTEM_WORKFLOWS):
                        system[name.removeprefix(SYSTEM_WORKFLOWS).strip(" ()")] += units
                    else:
                        named[name] += units
            return {name: units for name, units in named.items() if units}, dict(system)
    return None, {}
