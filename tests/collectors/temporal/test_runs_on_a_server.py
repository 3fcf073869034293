"""Following runs on the real server: from wherever one begins, each is found and counted once."""

from collections.abc import AsyncIterator, Iterable
from datetime import timedelta

import pytest

from durameter.config import make_config
from durameter.engines.base import RunningServer
from durameter.engines.temporal.config import TemporalConfig
from durameter.engines.temporal.engine import ReachedTemporal, TemporalEngine
from durameter_collectors.temporal.links import RunLink
from durameter_collectors.temporal.runs import CountedRun, count_runs
from durameter_collectors.units import TaskLabel
from durameter_workloads.conformance.temporal import SCENARIOS
from durameter_workloads.conformance.temporal.bench import bench

pytestmark = pytest.mark.servers

LABEL = TaskLabel("tests/runs", "default", "task")
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


@pytest.fixture(scope="module")
async def reached(
    temporal_server: RunningServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ReachedTemporal]:
    config = make_config(temporal=TemporalConfig(address=temporal_server.info.address, tap=False))
    async with TemporalEngine().reached(config, tmp_path_factory.mktemp("runs"), print) as found:
        yield found


def evidence(runs: Iterable[CountedRun]) -> list[tuple[str, str, str, int]]:
    return sorted((unit.run, unit.rule, unit.evidence, unit.attempt) for run in runs for unit in run.count.units)


@pytest.mark.parametrize(
    "name", ["continue-as-new twice", "child tree", "reset run reset again", "child reset", "workflow retried twice"]
)
async def test_every_run_leads_to_all_others_and_is_taken_once(name: str, reached: ReachedTemporal) -> None:
    scenario = BY_NAME[name]
    async with reached.session() as session, bench(session.client) as on:
        await scenario.drive(on)
        roots = [RunLink(on.id(root), "") for root in scenario.roots]
        runs, gaps = await count_runs(on.client, roots, label=LABEL)
        asked = [*(run.link for run in reversed(runs)), *roots, *roots]
        again, more_gaps = await count_runs(on.client, asked, label=LABEL)
        on_server = {each.run_id async for each in on.client.list_workflows()}
    assert gaps == more_gaps == []
    assert len(runs) > 1
    assert evidence(again) == evidence(runs)
    assert {run.link.run for run in runs} == on_server


async def test_retries_are_dated_by_the_server(reached: ReachedTemporal) -> None:
    """While an activity backs off, `describe` does not say when its last attempt began, only when it ended."""
    scenario = BY_NAME["terminated with an activity in back-off"]
    async with reached.session() as session, bench(session.client) as on:
        await scenario.drive(on)
        [run], _ = await count_runs(on.client, [RunLink(on.id("root"), "")], label=LABEL)
    [started] = [unit.time for unit in run.count.units if unit.rule == "activity"]
    retried = [unit.time for unit in run.count.units if unit.rule == "activity_retry"]
    assert len(retried) == 2
    assert all(timedelta() < time - started < timedelta(minutes=2) for time in retried)


async def test_a_signalled_helper_belongs_to_who_signals_it_unless_it_is_anothers(reached: ReachedTemporal) -> None:
    """`root` signals `other`, which nobody but the bench started. Its start and its end are the task's then."""
    scenario = BY_NAME["signal from a workflow"]
    async with reached.session() as session, bench(session.client) as on:
        await scenario.drive(on)
        root, other = RunLink(on.id("root"), ""), on.id("root-other")
        runs, _ = await count_runs(on.client, [root], label=LABEL)
        kept, _ = await count_runs(on.client, [root], label=LABEL, elsewhere=lambda name: name == other)
    assert [(run.link.workflow, run.helper) for run in runs] == [(root.workflow, False), (other, True)]
    assert [run.link.workflow for run in kept] == [root.workflow]
