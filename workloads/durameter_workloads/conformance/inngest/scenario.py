"""What a scenario is: something done with real functions, and what it costs, derived by hand."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from durameter_workloads.conformance.inngest.bench import Bench, Handler

__all__ = ["PLAIN", "Drive", "Need", "Scenario", "one", "rules_of"]

PLAIN = {
    "function_run": "run",
    "step.run": "step_run",
    "step.sleep": "sleep",
    "step.wait_for_event": "wait_for_event",
    "step.wait_for_signal": "wait_for_signal",
    "step.invoke": "invoke",
    "step.ai": "gateway",
}
"""Kind → the rule that most of its units are by."""

Drive = Callable[[Bench], Awaitable[None]]
"""Does it all, until every run that it leads to has ended. The apps stay until it has been counted."""


@dataclass(frozen=True)
class Need:
    """Something that not every server offers."""

    what: str
    """In words, as the object of "this server does not offer ..."."""
    there: Callable[[Bench], Awaitable[bool | str]]
    """Asks the server itself (its schema, its behaviour), before the scenario; never a version. Words say why not."""


@dataclass(frozen=True)
class Scenario:
    """What is done, and what it costs. Kinds are those of the rulebook; quantities are executions.

    No number comes from Durameter. `documented` follows from the rule: one per run, one per distinct step. `upper` are
    the further attempts of steps. `requests` are the calls from the server to the app: one per attempt of each step,
    one per planning of several steps, one more to find that nothing is left.
    """

    name: str
    drive: Drive
    documented: Mapping[str, int]
    """Kind → executions as documented: the headline."""
    by: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Kind → id of a rule → executions, where not all of the kind are by its plain rule (`run`, `step_run`)."""
    upper: Mapping[str, int] = field(default_factory=dict)
    """Rule, which is also the kind → executions that open questions would add: the retry exposure."""
    requests: int | None = None
    """SDK requests of all runs; None where the server's timing decides."""
    runs: int | None = None
    """Runs that are found, also those that never began; by default as many as are billed."""
    differences: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """`source/other` → name of a correction → units that the other source has more for that reason. Adds up exactly."""
    free: tuple[str, ...] = ()
    """Ids of the rules by which something that is done here costs nothing."""
    gaps: int = 0
    """How many gaps the count must name."""
    needs: tuple[Need, ...] = ()

    @property
    def total(self) -> int:
        """Executions as documented."""
        return sum(self.documented.values())

    @property
    def rules(self) -> dict[str, int]:
        """Id of a rule → executions as documented."""
        return {
            rule: units
            for kind, total in self.documented.items()
            for rule, units in self.by.get(kind, {PLAIN[kind]: total}).items()
        }

    @property
    def all_runs(self) -> int:
        """Runs that must be found."""
        return self.documented.get("function_run", 0) if self.runs is None else self.runs


def one(handler: Handler, *, status: str = "COMPLETED", **options: Any) -> Drive:
    """The whole life of one run of one function.

    Args:
        handler: what the function does.
        status: how its run must end.
        options: of the function, see `Bench.function`.
    """

    async def drive(on: Bench) -> None:
        await on.serve(on.function(handler, **options))
        await on.whole_life(status=status)

    return drive


def rules_of(scenario: Scenario) -> frozenset[str]:
    """Ids of the rules that a scenario exercises: those of its units, and those that make things free."""
    return frozenset(scenario.rules) | frozenset(scenario.upper) | frozenset(scenario.free)
