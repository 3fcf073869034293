"""Holds what came of a scenario against what was derived by hand."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal

from durameter.conformance import Outcome, State
from durameter.engines.base import TaskCount
from durameter.reconcile import Reconciliation
from durameter_workloads.conformance.temporal.scenario import SYSTEM_WORKFLOWS, Scenario

__all__ = ["failed", "judge", "skipped"]

_Counts = dict[str, Decimal]


def skipped(scenario: Scenario, why: str, seconds: float) -> Outcome:
    """The server does not offer what the scenario needs."""
    return Outcome(name=scenario.name, state="skipped", why=why, seconds=seconds)


def failed(scenario: Scenario, why: str, seconds: float) -> Outcome:
    """The scenario could not be carried out."""
    return Outcome(name=scenario.name, state="failed", why=why, seconds=seconds)


def judge(scenario: Scenario, count: TaskCount, proofs: Sequence[Reconciliation] | None, seconds: float) -> Outcome:
    """Hold a count and its proofs against the scenario.

    Args:
        scenario: what was expected.
        count: the units of its roots.
        proofs: every comparison of sources; None where they cannot be told from those of other scenarios.
        seconds: how long it took.
    """
    cloud, upper = _by_kind(count, "documented"), _by_kind(count, "upper")
    wrong = [
        *_unlike("Actions as documented", scenario.cloud, cloud),
        *_unlike("Actions of open questions", scenario.open, upper),
        *_causes(scenario, count),
    ]
    if len(count.gaps) != scenario.gaps:
        wrong.append(f"{len(count.gaps)} gaps instead of {scenario.gaps}")
    for proof in proofs or ():
        name = f"{proof.source} against {proof.other}"
        wrong += [f"{name}: {line.kind} {line.unexplained:+} unexplained" for line in proof.lines if line.unexplained]
        wrong += [f"{name}: {line.kind} differs in {', '.join(line.where)}" for line in proof.lines if line.where]
        if proof.state == "differs":
            wrong += [f"{name}: {note}" for note in proof.notes]
            wrong = wrong or [f"{name} differs"]
    meter = _meter(proofs or ())
    differences, system = _differences(proofs or ())
    if meter is not None and differences is not None:
        wrong += _unlike("meter", scenario.meter, meter)
        wrong += _unlike("differences", scenario.differences, differences)
        strange = set(system) - {scenario.system}
        if strange:
            wrong.append(f"system workflows of {', '.join(sorted(strange))}")
    agreed: State = "explained" if differences or system else "pass"
    return Outcome(
        name=scenario.name,
        state="unexplained" if wrong else agreed,
        expected=_exact(scenario.cloud),
        counted=cloud,
        open_expected=_exact(scenario.open),
        open_counted=upper,
        second_expected=_exact(scenario.meter),
        second_read=meter,
        differences_expected=_exact(scenario.differences),
        differences_found=differences,
        system=system,
        gaps_expected=scenario.gaps,
        gaps=tuple(gap.what for gap in count.gaps),
        wrong=tuple(wrong),
        rules=tuple(sorted({unit.rule for unit in count.units})),
        seconds=seconds,
    )


def _exact(counts: Mapping[str, int]) -> _Counts:
    return {name: Decimal(count) for name, count in counts.items()}


def _by_kind(count: TaskCount, reading: str) -> _Counts:
    counts: dict[str, Decimal] = defaultdict(Decimal)
    for unit in count.units:
        if unit.reading == reading:
            counts[unit.kind] += unit.quantity
    return dict(counts)


def _unlike(what: str, expected: Mapping[str, int], found: Mapping[str, Decimal]) -> list[str]:
    return [
        f"{what}: {name} {found.get(name, 0)} instead of {expected.get(name, 0)}"
        for name in sorted({*expected, *found})
        if found.get(name, 0) != expected.get(name, 0)
    ]


def _causes(scenario: Scenario, count: TaskCount) -> list[str]:
    """Every unit has one, and where the scenario is about it, the right one."""
    wrong = [f"a unit of {unit.kind} without cause or evidence" for unit in count.units if not unit.cause]
    for kind, cause in scenario.causes.items():
        found = {unit.cause for unit in count.units if unit.kind == kind}
        if found != {cause}:
            wrong.append(f"cause of {kind}: {', '.join(sorted(found)) or 'none'} instead of {cause}")
    return wrong


def _meter(proofs: Sequence[Reconciliation]) -> _Counts | None:
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


def _differences(proofs: Sequence[Reconciliation]) -> tuple[_Counts | None, _Counts]:
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
