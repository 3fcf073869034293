"""What a scenario is: something done with a real workflow, and what it costs, derived by hand."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from durameter_collectors.rulebook import Rule, Rulebook
from durameter_workloads.conformance.temporal.bench import Bench

__all__ = ["SYSTEM_WORKFLOWS", "Drive", "Need", "Scenario", "rules_of", "run_of"]

SYSTEM_WORKFLOWS = "system workflows"
"""Name of the difference that is the traffic of the server's own workflows: schedules, batch jobs, deployments."""

_NOT_IN_PYTHON = frozenset({"markers_of_side_effects"})
"""Rules of what the SDK for Python does not do: no scenario can exercise them."""

Drive = Callable[[Bench], Awaitable[None]]


@dataclass(frozen=True)
class Need:
    """Something that not every server offers or lets a client do."""

    what: str
    """In words, as the object of "this server does not offer ..."."""
    prepare: Callable[[Bench], Awaitable[bool]]
    """Sees to it, before the scenario. False, or a refusal by the server, means that it is not to be had."""


@dataclass(frozen=True)
class Scenario:
    """What is done, and what it costs. Kinds are Cloud's names; quantities are Actions.

    No number comes from Durameter. `cloud` follows from the rule table, `meter` from what the open-source server counts
    (its `common/rpc/interceptor/telemetry.go`); for the traffic of system workflows it is what was measured.
    """

    name: str
    drive: Drive
    cloud: Mapping[str, int]
    """Kind → Actions as documented: the headline."""
    meter: Mapping[str, int]
    """The meter's action type → its reading, without the traffic of system workflows."""
    open: Mapping[str, int] = field(default_factory=dict)
    """Kind → Actions that open questions would add."""
    differences: Mapping[str, int] = field(default_factory=dict)
    """Name → meter minus cloud: id of the rule that causes it. Adds up exactly."""
    system: str = ""
    """The part of the server whose own workflows do something here (`TemporalScheduler`, ...): the meter counts that
    too. How much depends on the server's timing and is read from their histories."""
    causes: Mapping[str, str] = field(default_factory=dict)
    """Kind → the one cause that all its units have, where a scenario is about that."""
    free: tuple[str, ...] = ()
    """Ids of the rules by which something that is done here costs nothing."""
    gaps: int = 0
    """How many gaps the count must name."""
    roots: tuple[str, ...] = ("root",)
    """What a driver would name: workflows, schedules, standalone activities; as given to `Bench.id`."""
    needs: tuple[Need, ...] = ()

    @property
    def total(self) -> int:
        """Actions as documented."""
        return sum(self.cloud.values())


def run_of(*steps: str) -> Drive:
    """The whole life of a workflow that needs nobody."""

    async def drive(on: Bench) -> None:
        await on.run(*steps)

    return drive


def rules_of(scenario: Scenario, rulebook: Rulebook) -> frozenset[str]:
    """Ids of the rules that a scenario exercises: those of its kinds and readings, and those that make things free."""
    billed = {
        rule.id
        for rule in rulebook.rules
        if rule.quantity and rule.id not in _NOT_IN_PYTHON and not rule.cloud_only and _exercises(scenario, rule)
    }
    return frozenset(billed) | frozenset(scenario.free)


def _exercises(scenario: Scenario, rule: Rule) -> bool:
    """By the rule's kind; where several rules have it, by the meter, which names the one and not the other."""
    if rule.reading == "upper":
        return rule.kind in scenario.open
    metered = any(name in scenario.meter for name in rule.meter) if rule.meter else rule.id in scenario.differences
    return rule.kind in scenario.cloud and metered
