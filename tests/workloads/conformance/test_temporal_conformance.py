"""Every scenario of the suite on the real dev server, by the product's own path, 8 at once."""

from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from conformance_run import conformance_run
from durameter.config import make_config
from durameter.conformance import Outcome
from durameter.errors import UsageError
from durameter_collectors.rulebook import load_rulebook
from durameter_workloads.conformance.temporal import SCENARIOS, suite
from durameter_workloads.conformance.temporal.scenario import Scenario, rules_of

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
RULES = load_rulebook("temporal")

NOT_IN_PYTHON = {"markers_of_side_effects"}
"""The SDK for Python has no side effects."""


def exact(counts: dict[str, Decimal] | None) -> dict[str, Decimal]:
    return {name: count for name, count in (counts or {}).items() if count}


# What needs no server.


def test_names_are_unique_and_enough() -> None:
    assert Counter(suite.scenarios).most_common(1)[0][1] == 1
    assert len(SCENARIOS) >= 70


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_named_differences_add_up_to_meter_minus_cloud_in_every_kind(scenario: Scenario) -> None:
    """By hand derived numbers against each other: a slip in one of them shows here."""
    metered: Counter[str] = Counter()
    for name, count in scenario.meter.items():
        kind = RULES.metered_kind(name)
        assert kind is not None, f"the rulebook does not know {name}"
        metered[kind] += count
    assert sum(scenario.meter.values()) - scenario.total == sum(scenario.differences.values())
    assert all(scenario.differences.values())
    known = {rule.id for rule in RULES.rules}
    assert set(scenario.differences) <= known
    # Kinds that no named difference touches are equal one by one. Retries and heartbeats of standalone activities
    # are metered under the names of those in workflows.
    touched = {RULES.rule(name).kind for name in scenario.differences}
    touched |= {"start_workflow", "signal_workflow"} if "deduplicated_request" in scenario.differences else set()
    renamed = {
        "retry_standalone_activity": "retry_activity",
        "record_standalone_activity_heartbeat": "record_activity_heartbeat",
    }
    billed: Counter[str] = Counter()
    for kind, count in scenario.cloud.items():
        billed[renamed.get(kind, kind)] += count
    for kind in {*billed, *metered} - touched:
        assert metered[kind] == billed[kind], kind


def test_every_rule_that_a_local_server_can_show_has_a_scenario() -> None:
    exercised = frozenset().union(*(rules_of(scenario, RULES) for scenario in SCENARIOS))
    expected = {rule.id for rule in RULES.rules if not rule.cloud_only} - NOT_IN_PYTHON
    assert expected - exercised == set()


def test_the_rulebook_names_the_scenarios_of_each_rule() -> None:
    """Where this fails, the lists in rules.toml want what is printed."""
    named = {rule.id: set(rule.scenarios) for rule in RULES.rules if rule.scenarios}
    exercised = {
        rule.id: found
        for rule in RULES.rules
        if (found := {scenario.name for scenario in SCENARIOS if rule.id in rules_of(scenario, RULES)})
    }
    assert named == exercised


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_every_scenario_exercises_a_rule_and_names_only_what_the_rulebook_has(scenario: Scenario) -> None:
    assert rules_of(scenario, RULES) <= {rule.id for rule in RULES.rules}
    kinds = {rule.kind for rule in RULES.rules}
    assert {*scenario.cloud, *scenario.open} <= kinds
    assert {*scenario.cloud, *scenario.open, *scenario.free}
    assert not {*scenario.cloud.values(), *scenario.open.values(), *scenario.meter.values()} & {0}
    assert all(RULES.rule(name).kind == "free" for name in scenario.free)


class Nobody:
    def progress(self, line: str) -> None:
        pass

    def finished(self, outcome: Outcome, round_number: int) -> None:
        pass


async def test_an_unknown_scenario_is_an_error_of_the_call(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(UsageError, match="No scenario has 'nonsense' in its name"):
        await suite.run(make_config(), tmp_path_factory.mktemp("none"), only=["nonsense"], observer=Nobody())


# On a server.


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest, run_folder: Path) -> dict[str, Outcome]:
    """Of all scenarios that were asked for, on servers of the suite's own."""
    asked = [name for name in BY_NAME if any(f"[{name}]" in item.name for item in request.session.items)]
    return conformance_run(run_folder, asked if len(asked) < len(BY_NAME) else ()).outcomes


@pytest.mark.servers
@pytest.mark.timeout(1200)  # the first one waits for all
@pytest.mark.parametrize("name", BY_NAME)
def test_scenario(name: str, outcomes: dict[str, Outcome]) -> None:
    scenario, outcome = BY_NAME[name], outcomes[name]
    if outcome.state == "skipped":
        pytest.skip(outcome.why)
    assert outcome.why == ""
    assert outcome.counted == scenario.cloud
    assert outcome.open_counted == scenario.open
    assert outcome.second_read == scenario.meter
    assert exact(outcome.differences_found) == scenario.differences
    assert set(outcome.system) <= {scenario.system}
    assert len(outcome.gaps) == scenario.gaps, outcome.gaps
    assert outcome.wrong == ()
    assert set(outcome.rules) == rules_of(scenario, RULES) - set(scenario.free)
    assert outcome.state == ("explained" if scenario.differences or outcome.system else "pass")
