"""Runs as any source other than the trace sees them → units per run and kind, by the rulebook."""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Protocol

from durameter_collectors.rulebook import load_rulebook

__all__ = ["FREE_OPS", "NAMELESS_STEP", "STEP_OPS", "CountedSteps", "SeenStep", "units_per_run"]

NAMELESS_STEP = (
    "a step outside a parallel group whose every attempt became an error of the function (Python: RetryAfterError, "
    "NonRetriableError): no record has its id"
)
"""What no source can see."""

STEP_OPS: Mapping[str, str] = {
    "Step": "step_run",
    "StepRun": "step_run",
    "StepError": "step_run",
    "StepFailed": "step_run",
    "Sleep": "sleep",
    "WaitForEvent": "wait_for_event",
    "WaitForSignal": "wait_for_signal",
    "InvokeFunction": "invoke",
    "AIGateway": "gateway",
    "Gateway": "gateway",
}
"""Opcodes (pkg/enums/opcode.go of the server) by which an app reports a step, and the rule of each."""

FREE_OPS = frozenset(
    {
        "None",
        "StepPlanned",
        "StepNotFound",
        "RunComplete",
        "SyncRunComplete",
        "DiscoveryRequest",
        "DeferAdd",
        "DeferAbort",
    }
)
"""Opcodes that are no step execution: planning, discovery, the end of a run, a function put off until then."""


class SeenStep(Protocol):
    """One step, as a source saw it."""

    @property
    def rule(self) -> str:
        """Id of the rule that bills it."""

    @property
    def attempts(self) -> int:
        """From 1."""


class CountedSteps(Protocol):
    """One run, as a source saw it."""

    @property
    def skipped(self) -> bool:
        """Whether the run never began (rate limit, singleton)."""

    @property
    def steps(self) -> Mapping[str, SeenStep]:
        """By step id."""


def units_per_run(runs: Mapping[str, CountedSteps]) -> dict[str, dict[str, Decimal]]:
    """Run → kind → units of both readings, as the ledger counts them."""
    rules = load_rulebook("inngest")
    counts: dict[str, dict[str, Decimal]] = {}
    for run_id, run in runs.items():
        rule = rules.rule("skipped_run" if run.skipped else "run")
        kinds: dict[str, Decimal] = defaultdict(Decimal, {rule.kind: rule.quantity})
        for step in run.steps.values():
            rule, retry = rules.rule(step.rule), rules.rule("step_retry")
            kinds[rule.kind] += rule.quantity
            kinds[retry.kind] += retry.quantity * (step.attempts - 1)
        counts[run_id] = {kind: count for kind, count in kinds.items() if count}
    return counts
