"""The parts of a judgement that all suites have."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal

from durameter.conformance import Counts, Outcome
from durameter.engines.base import TaskCount
from durameter.reconcile import Reconciliation

__all__ = ["by_kind", "exact", "failed", "skipped", "unexplained", "unlike"]


def skipped(name: str, why: str, seconds: float) -> Outcome:
    """The server does not offer what the scenario needs."""
    return Outcome(name=name, state="skipped", why=why, seconds=seconds)


def failed(name: str, why: str, seconds: float) -> Outcome:
    """The scenario could not be carried out."""
    return Outcome(name=name, state="failed", why=why, seconds=seconds)


def exact(counts: Mapping[str, int]) -> Counts:
    """The same numbers as decimals."""
    return {name: Decimal(count) for name, count in counts.items()}


def by_kind(count: TaskCount, reading: str) -> Counts:
    """Kind → units of one reading."""
    counts: dict[str, Decimal] = defaultdict(Decimal)
    for unit in count.units:
        if unit.reading == reading:
            counts[unit.kind] += unit.quantity
    return dict(counts)


def unlike(what: str, expected: Mapping[str, int], found: Mapping[str, Decimal]) -> list[str]:
    """What is found otherwise than expected, in words."""
    return [
        f"{what}: {name} {found.get(name, 0)} instead of {expected.get(name, 0)}"
        for name in sorted({*expected, *found})
        if found.get(name, 0) != expected.get(name, 0)
    ]


def unexplained(proofs: Sequence[Reconciliation]) -> list[str]:
    """What comparisons of sources leave open, in words."""
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
