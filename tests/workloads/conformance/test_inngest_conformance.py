"""Every scenario of the suite on the real dev server, by the product's own path, 8 at once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from durameter.config import make_config
from durameter.conformance import Outcome
from durameter.engines.base import RunningServer, TaskCount
from durameter.engines.inngest.config import InngestConfig
from durameter.engines.inngest.engine import InngestEngine
from durameter.errors import UsageError
from durameter.results.reconcile import Line, Reconciliation
from durameter_collectors.rulebook import load_rulebook
from durameter_collectors.units import TaskLabel
from durameter_workloads.conformance.inngest import SCENARIOS, suite
from durameter_workloads.conformance.inngest.bench import Bench, SurpriseError
from durameter_workloads.conformance.inngest.judge import flat, judge, on_wire
from durameter_workloads.conformance.inngest.scenario import PLAIN, Need, Scenario, rules_of
from durameter_workloads.conformance.inngest.suite import perform_all

AT_ONCE = 8
HANG = 600.0
"""Seconds for a scenario: on a busy machine, too, only a hang takes so long."""
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
RULES = load_rulebook("inngest")


def exact(counts: dict[str, Decimal] | None) -> dict[str, Decimal]:
    return {name: count for name, count in (counts or {}).items() if count}


# What needs no server.


def test_names_are_unique_and_enough() -> None:
    assert Counter(suite.scenarios).most_common(1)[0][1] == 1
    in_typescript = [name for name in suite.scenarios if name.startswith("typescript, ")]
    assert len(in_typescript) >= 10
    assert len(SCENARIOS) - len(in_typescript) >= 100


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_what_is_derived_by_kind_and_by_rule_is_the_same(scenario: Scenario) -> None:
    """By hand derived numbers against each other: a slip in one of them shows here."""
    by_kind: Counter[str] = Counter()
    for rule, units in scenario.rules.items():
        assert RULES.rule(rule).reading == "documented"
        by_kind[RULES.rule(rule).kind] += units
    assert by_kind == scenario.documented
    assert sum(scenario.rules.values()) == scenario.total
    assert all(RULES.rule(rule).reading == "upper" for rule in scenario.upper)
    assert all(RULES.rule(name).kind == "free" for name in scenario.free)
    assert not {*scenario.documented.values(), *scenario.upper.values(), *flat(scenario.differences).values()} & {0}
    assert {*scenario.documented, *scenario.upper, *scenario.free}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_what_the_ledger_has_from_elsewhere_wire_and_store_have_beside_the_trace(scenario: Scenario) -> None:
    """The ledger is the trace, repaired: whatever repairs it is a difference of the trace to both others."""
    for name, units in scenario.differences.get("ledger/trace", {}).items():
        assert scenario.differences["trace/wire"][name] == scenario.differences["trace/store"][name] == -units
        assert name not in scenario.differences.get("store/wire", {})


def test_every_rule_that_a_local_server_can_show_has_a_scenario() -> None:
    exercised = frozenset().union(*(rules_of(scenario) for scenario in SCENARIOS))
    assert {rule.id for rule in RULES.rules if not rule.cloud_only} - exercised == set()


def test_every_kind_has_a_plain_rule() -> None:
    billed = {rule.kind for rule in RULES.rules if rule.quantity and rule.reading == "documented"}
    assert set(PLAIN) == billed
    assert all(RULES.rule(rule).kind == kind for kind, rule in PLAIN.items())


def test_the_rulebook_names_the_scenarios_of_each_rule() -> None:
    """Where this fails, the lists in rules.toml want what is printed."""
    named = {rule.id: set(rule.scenarios) for rule in RULES.rules if rule.scenarios}
    exercised = {
        rule.id: found
        for rule in RULES.rules
        if (found := {scenario.name for scenario in SCENARIOS if rule.id in rules_of(scenario)})
    }
    assert named == exercised


class Nobody:
    def progress(self, line: str) -> None:
        pass

    def finished(self, outcome: Outcome, round_number: int) -> None:
        pass


async def test_an_unknown_scenario_is_an_error_of_the_call(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No scenario has 'nonsense' in its name"):
        await suite.run(make_config(), tmp_path, only=["nonsense"], observer=Nobody())


# The judge must be able to say no.

THREE = BY_NAME["three steps"]
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def counted(steps: int = 3, requests: int = 4, runs: int = 1) -> TaskCount:
    label = TaskLabel("conformance/inngest", "default", "task")
    made = [
        unit
        for rule, times in (("run", 1), ("step_run", steps))
        for unit in RULES.units(
            rule, label, run="r", cause="main", time=NOON, source="trace", evidence="e", times=times
        )
    ]
    measures = {"sdk_requests": Decimal(requests)}
    return TaskCount(units=made, runs=[f"r{number}" for number in range(runs)], measures=measures)


def proof(steps: int = 3, *, named: int = 0) -> Reconciliation:
    corrections = {"planned_never_begun": Decimal(named)} if named else {}
    lines = (
        Line(kind="function_run", ours=Decimal(1), other=Decimal(1)),
        Line(kind="step.run", ours=Decimal(3), other=Decimal(steps), corrections=corrections),
    )
    agrees = not any(line.unexplained for line in lines)
    return Reconciliation(source="trace", other="wire", state="agrees" if agrees else "differs", lines=lines)


def test_what_is_as_derived_passes() -> None:
    outcome = judge(THREE, counted(), [proof()], 1.0)
    assert (outcome.state, outcome.wrong) == ("pass", ())


@pytest.mark.parametrize(
    ("count", "proofs", "wrong"),
    [
        (counted(steps=2), [proof()], "executions as documented: step.run 2 instead of 3"),
        (counted(requests=5), [proof()], "5 SDK requests instead of 4"),
        (counted(runs=2), [proof()], "2 runs instead of 1"),
        (counted(), [proof(steps=4)], "trace against wire: step.run +1 unexplained"),
        (counted(), [proof(steps=2, named=-1)], "differences: trace/wire planned_never_begun -1 instead of 0"),
        (counted(), [proof(steps=2, named=-1)], "executions on the wire: step.run 2 instead of 3"),
    ],
)
def test_what_is_not_as_derived_is_said(count: TaskCount, proofs: list[Reconciliation], wrong: str) -> None:
    outcome = judge(THREE, count, proofs, 1.0)
    assert outcome.state == "unexplained"
    assert wrong in outcome.wrong


def test_a_difference_that_was_derived_is_explained() -> None:
    """A plan of three, of which two were begun: the trace has three, the wire two."""
    scenario = Scenario(
        name="planned",
        drive=THREE.drive,
        documented={"function_run": 1, "step.run": 3},
        differences={"trace/wire": {"planned_never_begun": -1}},
        requests=4,
    )
    outcome = judge(scenario, counted(), [proof(steps=2, named=-1)], 1.0)
    assert (outcome.state, outcome.wrong) == ("explained", ())
    assert outcome.differences_found == {"trace/wire planned_never_begun": -1}


# On a server.


@pytest.fixture(scope="session")
async def outcomes(
    inngest_server: RunningServer,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[dict[str, asyncio.Future[Outcome]]]:
    """All scenarios that were asked for: each has an app and events of its own."""
    asked = [name for name in BY_NAME if any(f"[{name}]" in item.name for item in request.session.items)]
    waiting: dict[str, asyncio.Future[Outcome]] = {name: asyncio.get_running_loop().create_future() for name in asked}
    store = Path(inngest_server.settings["DURAMETER_INNGEST_STORE"])
    config = make_config(inngest=InngestConfig(address=inngest_server.info.address, store=store))

    async def run() -> None:
        async with InngestEngine().reached(config, tmp_path_factory.mktemp("conformance"), print) as reached:
            async for outcome in perform_all(reached, [BY_NAME[name] for name in asked], at_once=AT_ONCE, seconds=HANG):
                waiting[outcome.name].set_result(outcome)

    def ended(task: asyncio.Task[None]) -> None:
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        for future in waiting.values():
            if not future.done():
                future.set_exception(error or AssertionError("the suite did not come to this scenario"))

    running = asyncio.create_task(run())
    running.add_done_callback(ended)
    yield waiting
    if not all(future.done() for future in waiting.values()):
        running.cancel()  # else it is about to stop its tap, and must not be disturbed
    await asyncio.gather(running, *waiting.values(), return_exceptions=True)


@pytest.mark.servers
@pytest.mark.timeout(1200)  # the first one waits for its turn among all
@pytest.mark.parametrize("name", BY_NAME)
async def test_scenario(name: str, outcomes: dict[str, asyncio.Future[Outcome]]) -> None:
    scenario, outcome = BY_NAME[name], await outcomes[name]
    if outcome.state == "skipped":
        pytest.skip(outcome.why)
    assert outcome.why == ""
    assert outcome.counted == scenario.documented
    assert outcome.open_counted == scenario.upper
    assert outcome.second_read == on_wire(scenario)
    assert exact(outcome.differences_found) == flat(scenario.differences)
    assert len(outcome.gaps) == scenario.gaps, outcome.gaps
    assert outcome.wrong == ()
    assert set(outcome.rules) == rules_of(scenario) - set(scenario.free)
    assert outcome.state == ("explained" if scenario.differences else "pass")


@pytest.mark.servers
async def test_a_scenario_that_cannot_be_carried_out_is_told_and_stops_no_other(
    inngest_server: RunningServer, tmp_path: Path
) -> None:
    async def nothing(_on: Bench) -> None:
        raise SurpriseError("no such thing")

    async def never(_on: Bench) -> bool:
        return False

    scenarios = [
        Scenario(name="fails", drive=nothing, documented={}),
        Scenario(name="cannot", drive=nothing, documented={}, needs=(Need("moonlight", never),)),
    ]
    config = make_config(inngest=InngestConfig(address=inngest_server.info.address))
    async with InngestEngine().reached(config, tmp_path, print) as reached:
        found = {each.name: each async for each in perform_all(reached, scenarios, at_once=2)}
    assert (found["fails"].state, found["fails"].why) == ("failed", "SurpriseError: no such thing")
    assert (found["cannot"].state, found["cannot"].why) == ("skipped", "this server does not offer moonlight")
