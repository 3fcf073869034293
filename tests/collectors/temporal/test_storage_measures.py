"""Storage of a task on the real server, with figures derived by hand from what its workflows do."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from temporalio import activity, workflow
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from durameter import TemporalSession
from durameter.config import Config
from durameter.engines.base import TaskCount
from durameter.engines.temporal.engine import TemporalEngine
from durameter.results.reconcile import Reconciliation
from durameter_collectors.temporal.storage import RunStorage, measures_of
from durameter_collectors.units import TaskLabel

LABEL = TaskLabel("tests/storage", "default", "task")
SUMS = {"history_bytes", "open_seconds", "active_byte_seconds"}
MOST = {"history_bytes_longest", "history_events_longest"}
PAYLOAD = 10_000


@activity.defn
async def echo(text: str) -> str:
    return text


@workflow.defn
class Three:
    """Three activities, one after the other."""

    @workflow.run
    async def run(self, size: int) -> None:
        for _ in range(3):
            await workflow.execute_activity(echo, "x" * size, start_to_close_timeout=timedelta(seconds=30))


@workflow.defn
class Sleeper:
    @workflow.run
    async def run(self, seconds: float) -> None:
        await workflow.sleep(seconds)


@workflow.defn
class Parent:
    """Open for as long as its child, and a second more."""

    @workflow.run
    async def run(self) -> None:
        await workflow.execute_child_workflow(Sleeper.run, 1.0, id=f"{workflow.info().workflow_id}/child")
        await workflow.sleep(1)


@dataclass(frozen=True)
class Described:
    """What the server says of one workflow by itself."""

    size: int
    started: datetime
    closed: datetime
    events_size: int
    """Of the fetched events, serialized here: made from other bytes than the server's sum."""


@dataclass(frozen=True)
class Found:
    counts: dict[str, TaskCount]
    by_hand: dict[str, Described]
    proofs: tuple[Reconciliation, ...]
    seconds: float
    """That all of them took, by the clock of this process."""


async def _described(session: TemporalSession, workflow_id: str) -> Described:
    handle = session.client.get_workflow_handle(workflow_id)
    about = (await handle.describe()).raw_description.workflow_execution_info
    events = (await handle.fetch_history()).events
    times = (about.start_time.ToDatetime(tzinfo=UTC), about.close_time.ToDatetime(tzinfo=UTC))
    return Described(about.history_size_bytes, *times, sum(event.ByteSize() for event in events))


@pytest.fixture(scope="module")
async def found(shared_servers: Config, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Found]:
    async with TemporalEngine().session(shared_servers, tmp_path_factory.mktemp("storage"), print) as session:
        queue = session.task_queue
        async with Worker(
            session.client,
            task_queue=queue,
            workflows=[Three, Sleeper, Parent],
            activities=[echo],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ):
            client = session.client
            begun = time.monotonic()
            await asyncio.gather(
                client.execute_workflow(Three.run, 0, id="empty", task_queue=queue),
                client.execute_workflow(Three.run, PAYLOAD, id="full", task_queue=queue),
                client.execute_workflow(Parent.run, id="parent", task_queue=queue),
            )
            seconds = time.monotonic() - begun
        counts = {root: await session.count([root], LABEL) for root in ("empty", "full", "parent")}
        proofs = await session.reconcile([unit for count in counts.values() for unit in count.units])
        named = ("empty", "full", "parent", "parent/child")
        yield Found(counts, {name: await _described(session, name) for name in named}, proofs, seconds)


@pytest.mark.servers
def test_every_measure_is_there_and_no_gap(found: Found) -> None:
    for count in found.counts.values():
        assert count.measures.keys() == SUMS | MOST
        assert count.gaps == []


@pytest.mark.servers
def test_three_activities_make_23_events(found: Found) -> None:
    """Start 1, end 1; 4 workflow tasks (before the first activity and after each) of 3; 3 activities of 3."""
    assert 1 + 1 + 4 * 3 + 3 * 3 == 23
    assert found.counts["empty"].measures["history_events_longest"] == 23
    assert found.counts["full"].measures["history_events_longest"] == 23


@pytest.mark.servers
def test_a_history_has_what_activities_take_and_return(found: Found) -> None:
    """Each of 10,000 bytes is in the event that schedules its activity and in the one that completes it: 6 in all.

    What else changes are the lengths of lengths: 100 bytes are more than enough for these.
    """
    more = found.counts["full"].measures["history_bytes"] - found.counts["empty"].measures["history_bytes"]
    assert 6 * PAYLOAD <= more <= 6 * PAYLOAD + 100


@pytest.mark.servers
@pytest.mark.parametrize("name", ["empty", "full"])
def test_bytes_are_those_of_the_events(found: Found, name: str) -> None:
    """The server adds some bytes for each batch that it writes."""
    measured, events = found.counts[name].measures["history_bytes"], found.by_hand[name].events_size
    assert events <= measured <= events + 23 * 10


@pytest.mark.servers
def test_children_are_in_the_sums_and_the_longest_is_one_run(found: Found) -> None:
    parent, child = found.by_hand["parent"], found.by_hand["parent/child"]
    measures = found.counts["parent"].measures
    assert measures["history_bytes"] == parent.size + child.size
    assert measures["history_bytes_longest"] == max(parent.size, child.size) == parent.size


@pytest.mark.servers
def test_open_seconds_are_of_every_run(found: Found) -> None:
    """The child sleeps 1 s, its parent waits for it and sleeps 1 s more: 1 + 2 open seconds at least."""
    parent, child = found.by_hand["parent"], found.by_hand["parent/child"]
    both = Decimal(0)
    product = Decimal(0)
    for each in (parent, child):
        seconds = Decimal(str((each.closed - each.started).total_seconds()))
        both, product = both + seconds, product + seconds * each.size
    measures = found.counts["parent"].measures
    assert measures["open_seconds"] == both
    assert 3 <= both < 2 * found.seconds
    assert measures["active_byte_seconds"] == product


@pytest.mark.servers
def test_measuring_is_free(found: Found) -> None:
    """The meter agrees with the ledger: nobody asked the server for anything that is billed."""
    assert {each.state for each in found.proofs} == {"agrees"}
    assert any(each.other == "meter" for each in found.proofs)


@pytest.mark.servers
async def test_a_run_that_goes_on_has_no_measures(
    shared_servers: Config, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its history would still have grown, so a figure would be too small; there is a gap, and none."""
    monkeypatch.setattr("durameter.engines.temporal.session._END_SECONDS", 0.0)
    async with TemporalEngine().session(shared_servers, tmp_path_factory.mktemp("open"), print) as session:
        await session.client.start_workflow(Sleeper.run, 60.0, id="open", task_queue=session.task_queue)
        count = await session.count(["open"], LABEL)
    assert count.measures == {}
    assert [gap.what for gap in count.gaps if "still runs" in gap.what]


@pytest.mark.servers
async def test_a_run_that_is_gone_takes_the_measures_with_it(
    shared_servers: Config, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The sums would be of one of two workflows and pass for both."""
    async with TemporalEngine().session(shared_servers, tmp_path_factory.mktemp("gone"), print) as session:
        await session.client.start_workflow(Sleeper.run, 60.0, id="there", task_queue=session.task_queue)
        await session.client.get_workflow_handle("there").terminate()
        alone = await session.count(["there"], LABEL)
        both = await session.count(["there", "never"], LABEL)
    assert alone.measures.keys() == SUMS | MOST
    assert both.measures == {}


@dataclass(frozen=True)
class _Run:
    storage: RunStorage | None


def _stored(size: int, *, seconds: float = 1, events: int = 5) -> _Run:
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    return _Run(RunStorage(size, events, 7, begun, begun + timedelta(seconds=seconds)))


def test_sums_and_maxima() -> None:
    """300 bytes for 2 s and 100 bytes for 0.5 s: 650 byte-seconds."""
    assert measures_of([_stored(300, seconds=2, events=9), _stored(100, seconds=0.5, events=12)]) == {
        "history_bytes": 400,
        "history_bytes_longest": 300,
        "history_events_longest": 12,
        "external_payload_bytes": 14,
        "open_seconds": Decimal("2.5"),
        "active_byte_seconds": 650,
    }


@pytest.mark.parametrize(
    "runs",
    [
        [],  # a standalone activity: what it stores no record tells
        [_Run(None), _stored(100)],  # one goes on
        [_stored(0)],  # the server does not tell: no history is empty
    ],
)
def test_a_part_is_no_measure(runs: list[_Run]) -> None:
    assert measures_of(runs) == {}


def test_seconds_are_exact_to_the_microsecond() -> None:
    lengths = [_stored(1, seconds=number / 1_000_000).storage for number in range(1, 1_000, 37)]
    seconds = [each.open_seconds for each in lengths if each is not None]
    assert {after - before for before, after in pairwise(seconds)} == {Decimal("0.000037")}
