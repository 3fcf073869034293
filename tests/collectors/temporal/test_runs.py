"""Following runs where a server would have to be timed, forbidden or emptied: a client that answers from a table."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from recorded import LABEL, load
from temporalio.api.enums.v1 import EventType, PendingActivityState
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHistory
from temporalio.service import RPCError, RPCStatusCode

from durameter_collectors.temporal.links import RunLink
from durameter_collectors.temporal.runs import count_runs, quoted

NOW = Timestamp(seconds=1_793_000_000)


@dataclass
class TableClient:
    """As much of a client as counting uses. Runs that are not in the table are not on the server."""

    runs: dict[tuple[str, str], tuple[WorkflowHistory, DescribeWorkflowExecutionResponse, WorkflowExecutionStatus]]
    namespace: str = "here"

    def get_workflow_handle(self, workflow: str, *, run_id: str | None = None) -> Any:
        async def describe() -> Any:
            if (workflow, run_id) not in self.runs:
                raise RPCError("gone", RPCStatusCode.NOT_FOUND, b"")
            _, raw, status = self.runs[workflow, run_id]
            return SimpleNamespace(id=workflow, run_id=run_id, status=status, raw_description=raw)

        async def fetch_history() -> WorkflowHistory:
            return self.runs[workflow, run_id][0]

        return SimpleNamespace(describe=describe, fetch_history=fetch_history)

    async def list_workflows(self, _query: str) -> AsyncIterator[Any]:
        for workflow, run in self.runs:
            yield SimpleNamespace(id=workflow, run_id=run)


def client(*runs: Any) -> Client:
    return cast("Client", TableClient({key: rest for key, *rest in runs}))


def activity_events(*, closed: bool) -> list[HistoryEvent]:
    kinds = ["WORKFLOW_EXECUTION_STARTED", "ACTIVITY_TASK_SCHEDULED"] + ["ACTIVITY_TASK_STARTED"] * closed
    events = []
    for number, kind in enumerate(kinds, start=1):
        event = HistoryEvent(event_id=number, event_type=EventType.Value(f"EVENT_TYPE_{kind}"), event_time=NOW)
        getattr(event, f"{kind.lower()}_event_attributes").SetInParent()
        events.append(event)
    events[1].activity_task_scheduled_event_attributes.activity_id = "1"
    if closed:
        attributes = events[2].activity_task_started_event_attributes
        attributes.scheduled_event_id, attributes.attempt = 2, 3
    return events


def described(*, attempt: int) -> DescribeWorkflowExecutionResponse:
    running = PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
    activity = PendingActivityInfo(activity_id="1", state=running, attempt=attempt, last_started_time=NOW)
    return DescribeWorkflowExecutionResponse(pending_activities=[activity] if attempt else [])


async def retries(history: list[HistoryEvent], raw: DescribeWorkflowExecutionResponse, status: Any) -> tuple[int, int]:
    """Retries counted, and activities that were given up while nobody had them."""
    table = client((("w", "run 1"), WorkflowHistory("w", history), raw, status))
    runs, gaps = await count_runs(table, [RunLink("w", "run 1")], label=LABEL)
    assert gaps == []
    counted = sum(unit.rule == "activity_retry" for run in runs for unit in run.count.units)
    return counted, sum(len(run.given_up) for run in runs)


async def test_an_activity_that_closes_between_description_and_history_is_counted_once() -> None:
    running = WorkflowExecutionStatus.RUNNING
    assert await retries(activity_events(closed=True), described(attempt=3), running) == (2, 0)


async def test_an_activity_that_no_record_shows_was_given_up_only_once_the_run_has_ended() -> None:
    """While it runs, the activity may be younger than the description."""
    history, nothing = activity_events(closed=False), described(attempt=0)
    assert await retries(history, nothing, WorkflowExecutionStatus.RUNNING) == (0, 0)
    assert await retries(history, nothing, WorkflowExecutionStatus.CANCELED) == (0, 1)


async def test_runs_that_cannot_be_read_are_gaps() -> None:
    """The parent of a child that is past its retention, and a workflow of another namespace."""
    parent = load("conversation")
    raw = DescribeWorkflowExecutionResponse()
    history = WorkflowHistory(parent.workflow, parent.events)
    done = WorkflowExecutionStatus.CONTINUED_AS_NEW
    table = client(((parent.workflow, parent.run), history, raw, done))
    table.namespace = next(link.namespace for link in parent.count().links if link.namespace)
    runs, gaps = await count_runs(
        table, [RunLink(parent.workflow, parent.run), RunLink("w", "run 1", "elsewhere")], label=LABEL
    )
    assert [run.link.run for run in runs] == [parent.run]
    assert sorted(gap.what for gap in gaps) == [
        "workflow child is not on the server (deleted, or past its retention): its units are missing here",
        "workflow root is not on the server (deleted, or past its retention): its units are missing here",
        "workflow w runs in the namespace elsewhere: its units are missing here",
    ]


async def test_runs_that_point_at_each_other_are_counted_once() -> None:
    """A new start under an old workflow id is another task's, though the listing has it."""
    old, new = load("reset_old"), load("reset_new")
    stranger = load("signal_with_start")
    done = WorkflowExecutionStatus.COMPLETED
    raws = {}
    for run, first in ((old.run, old.run), (new.run, old.run), (stranger.run, stranger.run)):
        raws[run] = DescribeWorkflowExecutionResponse()
        raws[run].workflow_execution_info.first_run_id = first
    raws[old.run].workflow_extended_info.reset_run_id = new.run
    table = client(
        *(
            ((old.workflow, each.run), WorkflowHistory(old.workflow, each.events), raws[each.run], done)
            for each in (old, new, stranger)
        )
    )
    for roots in ([old.run], [new.run], [old.run, new.run, old.run]):
        runs, gaps = await count_runs(table, [RunLink(old.workflow, run) for run in roots], label=LABEL)
        assert {run.link.run for run in runs} == {old.run, new.run}
        assert len(runs) == 2
        assert gaps == []


@pytest.mark.parametrize(
    ("value", "filter_value"),
    [
        ("order-7", "'order-7'"),
        ("o'hara", r"'o\'hara'"),
        ("a\\b", r"'a\\b'"),
        ("ends with \\", r"'ends with \\'"),
        (r"\' OR WorkflowId != '", r"'\\\' OR WorkflowId != \''"),
        ('"double"', "'\"double\"'"),
    ],
)
def test_no_id_ends_the_quotes_of_a_list_filter(value: str, filter_value: str) -> None:
    assert quoted(value) == filter_value
