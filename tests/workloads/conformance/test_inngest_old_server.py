"""The scenarios on an old dev server, 1.12.1, which is fetched or built for this when it is not in the cache.

What is otherwise there stands in the tables below, with what that server does. The rest goes as on the newest one.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from durameter.config import make_config
from durameter.conformance import Outcome
from durameter.engines.inngest.config import InngestConfig
from durameter.engines.inngest.engine import InngestEngine, ReachedInngest
from durameter_workloads.conformance.inngest import SCENARIOS
from durameter_workloads.conformance.inngest.suite import perform_all

pytestmark = pytest.mark.timeout(1800)  # the first one waits for the build, or for its turn among all

VERSION = "1.12.1"
AT_ONCE = 6
HANG = 600.0
"""Seconds for a scenario: on a busy machine, too, only a hang takes so long."""
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}

NOT_SHOWN = {
    "singleton that skips": "it lists no runs that were skipped, and the scenario waits for one",
}
"""Scenarios that this server cannot run, and why."""

OTHERWISE = {
    # Both steps' replies are followed by a question what comes next.
    "parallel, then one": ("6 SDK requests instead of 5",),
    # Its trace tells the attempts that newer traces do not: nothing is left to correct.
    "parallel, one is limited for good": (
        "differences: ledger/trace retries_untold 0 instead of -2",
        "differences: trace/store retries_untold 0 instead of 2",
        "differences: trace/wire retries_untold 0 instead of 2",
    ),
}
"""Scenarios of which this differs, and nothing else: the counts are right."""

FLAGGED = {
    "invoke what takes too long": "its traces name the event of such an invocation by an id that it does not know",
    "infer twice beside a step": "its traces list one step of several that it does itself for one reply",
    "cancelled in a step": "it takes the reply that comes after the cancellation",
    "cancelled in a group": "likewise",
    "step over the size limit": "it drops the whole reply, of which the wire has seen a step",
    "step far over the size limit": "likewise",
    "result over the size limit": "it says that the last request got no reply",
}
"""Scenarios that its records do not always tell right: then the sources disagree, and the measurement says so."""

NO_FIRST_SPAN = "no trigger span found"
"""What this server says of a run whose first span it has lost, for good (in 1 of some 20 runs that the server's own
event about a cancellation started, beside others). The run cannot be counted then, and the measurement must say so."""

RUN = [name for name in BY_NAME if name not in NOT_SHOWN]


def test_the_tables_name_scenarios_and_leave_most_to_run() -> None:
    assert {*NOT_SHOWN, *OTHERWISE, *FLAGGED} <= set(BY_NAME)
    assert len(set(RUN) - {*FLAGGED}) >= 80


@pytest.fixture(scope="module")
async def old_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ReachedInngest]:
    """The old server with a tap. Made in some minutes if it is not there yet."""
    config = make_config(inngest=InngestConfig(version=VERSION))
    async with InngestEngine().reached(config, tmp_path_factory.mktemp("old_inngest"), print) as reached:
        yield reached


@pytest.fixture(scope="module")
async def outcomes(
    old_server: ReachedInngest, request: pytest.FixtureRequest
) -> AsyncIterator[dict[str, asyncio.Future[Outcome]]]:
    """All scenarios that were asked for, side by side."""
    mine = [item.name for item in request.session.items if item.path == request.path]
    asked = [name for name in RUN if any(f"[{name}]" in item for item in mine)]
    waiting: dict[str, asyncio.Future[Outcome]] = {name: asyncio.get_running_loop().create_future() for name in asked}

    async def run() -> None:
        async for outcome in perform_all(old_server, [BY_NAME[name] for name in asked], at_once=AT_ONCE, seconds=HANG):
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
        running.cancel()
    await asyncio.gather(running, *waiting.values(), return_exceptions=True)


@pytest.mark.servers
@pytest.mark.slow
async def test_the_server_is_the_old_one(old_server: ReachedInngest) -> None:
    """A build from source does not know its version; its schema is that of before skipped runs were listed."""
    assert old_server.info.version == VERSION
    assert not old_server.info.tested
    async with old_server.session() as session:
        said = await session.api.ask('{__type(name: "FunctionRunStatus"){enumValues{name}}}')
    assert "SKIPPED" not in {each["name"] for each in said["__type"]["enumValues"]}


@pytest.mark.servers
@pytest.mark.slow
@pytest.mark.parametrize("name", RUN)
async def test_scenario(name: str, outcomes: dict[str, asyncio.Future[Outcome]]) -> None:
    scenario, outcome = BY_NAME[name], await outcomes[name]
    if outcome.state == "skipped":
        pytest.skip(outcome.why)
    assert outcome.why == ""
    if outcome.wrong and (name in FLAGGED or any(NO_FIRST_SPAN in gap for gap in outcome.gaps)):
        assert any(line.endswith(" unexplained") for line in outcome.wrong), outcome.wrong
        return
    assert outcome.wrong == OTHERWISE.get(name, ())
    assert outcome.counted == scenario.documented
    assert {kind: units for kind, units in (outcome.open_counted or {}).items() if units} == scenario.upper
