"""The reference agent's bad days on real servers, against figures that were derived by hand."""

from collections import Counter
from collections.abc import Iterator

import pytest
from expected import Expected, expected_units
from measuring import Silent, engine_of, kinds, measure_agent, proof_of, states

from durameter import Result, read_result
from durameter.config import Config
from durameter.cost.scenarios import ScenarioEffect, read_effects
from durameter.registry import load_workload
from durameter.results.model import TaskResult
from durameter.runner.scenarios import base_of, run_scenario
from durameter_workloads.model_server import Faults
from durameter_workloads.support_agent.shape import Conversation

pytestmark = [pytest.mark.servers, pytest.mark.slow]

ENGINES = ("temporal", "inngest")
NAMES = ("rate_limit_storm", "provider_outage", "runaway_loop", "worker_crash")
SEED = 1001
"""Draws three short conversations, of 7, 6 and 10 model calls, that meet 5.45, 2.74 and 0.62 s of an outage."""
NORMAL = Faults(rate_limited=0.03, server_errors=0.01)
STORM = Faults(rate_limited=0.8, server_errors=0.01, most_in_a_row=4)


@pytest.fixture(scope="module")
async def base(agent_servers: Config, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """A normal day, with every scenario run for it."""
    found = await measure_agent(agent_servers, tmp_path_factory.mktemp("scenarios") / "result", 3, seed=SEED)
    _, workload = load_workload("support_agent")
    offered = base_of(found, workload)
    assert tuple(each.name for each in offered.scenarios) == NAMES
    for scenario in offered.scenarios:  # a storm takes its time: only the first two conversations
        tasks = 2 if scenario.name == "rate_limit_storm" else None
        await run_scenario(offered, scenario, tasks=tasks, config=agent_servers, observer=Silent())
    return found


def bad_day(base: Result, name: str) -> Result:
    return read_result(base.folder / "scenarios" / name)


def tasks_of(result: Result, engine: str) -> Iterator[tuple[TaskResult, Conversation]]:
    for task in engine_of(result, engine).tasks:
        yield task, Conversation.model_validate(task.shape)


def table(engine: str, task: str, conversation: Conversation, faults: Faults = NORMAL) -> Expected:
    return expected_units(engine, task, conversation, faults=faults, seed=SEED)


def counted(result: Result, engine: str, task: str) -> tuple[Counter[str], Counter[str]]:
    """Units by kind, documented and upper, without zeros."""
    found = kinds(result, engine, task)
    return Counter({k: n for k, (n, _) in found.items() if n}), Counter({k: n for k, (_, n) in found.items() if n})


def effect(base: Result, name: str, engine: str) -> ScenarioEffect:
    [found] = [each for each in read_effects(base) if (each.name, each.engine) == (name, engine)]
    return found


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", NAMES)
def test_every_bad_day_is_counted_in_full(base: Result, name: str, engine: str) -> None:
    found = bad_day(base, name)
    assert proof_of(found, engine) == ("agrees", ())
    assert set(states(found, engine).values()) == {"failed" if name == "runaway_loop" else "completed"}
    names = sorted(states(base, engine))[: 2 if name == "rate_limit_storm" else 3]
    assert sorted(states(found, engine)) == names
    assert effect(base, name, engine).n == len(names)
    for task, _ in tasks_of(found, engine):  # a third record: the model server's log
        mine = [unit for unit in found.ledger if (unit.engine, unit.task) == (engine, task.task)]
        attempts = sum(unit.quantity for unit in mine if unit.cause == "call_model")
        assert attempts == task.observed["model_requests"], task.task


@pytest.mark.parametrize("engine", ENGINES)
def test_a_storm_costs_what_the_table_says(base: Result, engine: str) -> None:
    extras = []
    for task, conversation in tasks_of(bad_day(base, "rate_limit_storm"), engine):
        should, normal = (table(engine, task.task, conversation, faults) for faults in (STORM, NORMAL))
        assert counted(bad_day(base, "rate_limit_storm"), engine, task.task) == (should.documented, should.upper)
        # The same units on a normal day but for the retries.
        extras.append(should.model_requests - normal.model_requests)
    assert sum(extras) > 7 + 6  # calls: most met several
    found = effect(base, "rate_limit_storm", engine).readings
    billed = "documented" if engine == "temporal" else "upper"
    assert found[billed].extra_mean == pytest.approx(sum(extras) / 2)
    assert found["lower"].extra_mean == pytest.approx(sum(extras) / 2 if engine == "temporal" else 0)


def test_an_outage_costs_the_retries_of_the_policy_on_temporal(base: Result) -> None:
    """Attempts at 0, 1, 3 and 7 s, or up to 1 s later for each wait: 5.45 s fail three, 2.74 s two, 0.62 s one."""
    found = bad_day(base, "provider_outage")
    by_hand = {"conversation-0001": 3, "conversation-0002": 2, "conversation-0003": 1}
    for task, conversation in tasks_of(found, "temporal"):
        normal = table("temporal", task.task, conversation)
        retries = Counter({"retry_activity": by_hand[task.task]})
        assert counted(found, "temporal", task.task) == (normal.documented + retries, normal.upper)
        assert task.observed["outage_failures"] == by_hand[task.task]


def test_an_outage_costs_the_retries_of_the_policy_on_inngest(base: Result) -> None:
    """Attempts every second, or up to 1 s later for each wait: within 5.45 s three (0, 2, 4) to six, within 2.74 s two
    or three, within 0.62 s one. As documented none is billed."""
    found = bad_day(base, "provider_outage")
    by_hand = {"conversation-0001": (3, 4, 5, 6), "conversation-0002": (2, 3), "conversation-0003": (1,)}
    for task, conversation in tasks_of(found, "inngest"):
        normal = table("inngest", task.task, conversation)
        failures = int(task.observed["outage_failures"])
        assert failures in by_hand[task.task]
        retries = Counter({"step_retry": failures})
        assert counted(found, "inngest", task.task) == (normal.documented, normal.upper + retries)


def test_a_long_outage_is_extended_by_the_production_policy(base: Result) -> None:
    """30 minutes, means over when a call begins, derived in test_retries: Temporal 24 - 15 879 / 1800, Inngest
    7 - 2355 / 1800 and, with the shortest waits, 7 - (15 + 45 + 105 + 225 + 525 + 1125) / 1800."""
    temporal, inngest = (effect(base, "provider_outage", engine) for engine in ENGINES)
    assert temporal.extrapolated, temporal.notes
    assert inngest.extrapolated, inngest.notes
    for reading in ("documented", "upper", "lower"):
        assert temporal.readings[reading].extra_mean == pytest.approx(24 - 15_879 / 1800)
        assert temporal.measured[reading].extra_mean == pytest.approx((3 + 2 + 1) / 3)
    assert inngest.readings["documented"].extra_mean == inngest.readings["lower"].extra_mean == 0
    upper = inngest.readings["upper"]
    assert upper.extra_mean == pytest.approx(7 - 2355 / 1800)
    assert upper.high == pytest.approx(7 - 2040 / 1800)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_runaway_loop_costs_what_the_table_says(base: Result, engine: str) -> None:
    """The last turn has 30 model calls with a tool each, whatever it had before, and no reply."""
    found = bad_day(base, "runaway_loop")
    for task, conversation in tasks_of(found, engine):
        last = conversation.messages[-1].model_calls
        assert len(last) == 30
        assert all(call.tools for call in last)
        should = table(engine, task.task, conversation)
        assert counted(found, engine, task.task) == (should.documented, should.upper)
        [before] = [each for each, _ in tasks_of(base, engine) if each.task == task.task]
        assert before.shape["messages"][:-1] == task.shape["messages"][:-1]  # type: ignore[index]  # JSON lists
    assert not effect(base, "runaway_loop", engine).extrapolated


@pytest.mark.parametrize("engine", ENGINES)
def test_a_crash_costs_one_retry_of_the_call_that_was_cut_off(base: Result, engine: str) -> None:
    found = bad_day(base, "worker_crash")
    for task, conversation in tasks_of(found, engine):
        normal = table(engine, task.task, conversation)
        more = {"temporal": ({"retry_activity": 1}, {}), "inngest": ({}, {"step_retry": 1})}[engine]
        should = normal.documented + Counter(more[0]), normal.upper + Counter(more[1])
        assert counted(found, engine, task.task) == should
        assert task.observed["model_cut_off"] == 1
    readings = effect(base, "worker_crash", engine).readings
    assert readings["upper"].extra_mean == 1
    assert readings["upper"].extra_error == 0
    assert readings["documented"].extra_mean == (engine == "temporal")


def test_nothing_is_left_of_a_run_that_was_done(base: Result) -> None:
    assert sorted(each.name for each in (base.folder / "scenarios").iterdir()) == sorted(NAMES)
