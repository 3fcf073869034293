"""Wire against the server's own meter, on a real server: equal for every action type."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from mixed_workload import QUEUE, Everything, LocalRetries, LongLocal, Waiting, beat, fail_twice, worker
from tapping import Tapped, metered, namespace_on, tap
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.nexus.v1 import EndpointSpec, EndpointTarget
from temporalio.api.operatorservice.v1 import CreateNexusEndpointRequest
from temporalio.api.workflow.v1 import OnConflictOptions, VersioningOverride, WorkflowExecutionOptions
from temporalio.api.workflowservice import v1 as api
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleSpec,
    ScheduleUpdate,
    WithStartWorkflowOperation,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from temporalio.common import RetryPolicy, WorkflowIDConflictPolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from durameter.engines.base import RunningServer

pytestmark = pytest.mark.servers


class Bench:
    """A tap, a client through it in a namespace of its own, a worker."""

    def __init__(self, server: RunningServer, tapped: Tapped, client: Client) -> None:
        self.server, self.tapped, self.client = server, tapped, client

    async def waiting(self, workflow: str = "root") -> object:
        return await self.client.start_workflow(Waiting.run, id=workflow, task_queue=QUEUE)

    async def counts(self) -> Counter[str]:
        """By rule, once wire and meter are equal in every action type and nothing was left unread."""
        assert await self.tapped.meters(self.client.namespace) == await metered(self.server, self.client.namespace)
        assert await self.tapped.said(self.client.namespace) == []
        return Counter(row.rule for row in self.tapped.log.actions(self.client.namespace))


@asynccontextmanager
async def bench(server: RunningServer, folder: Path) -> AsyncIterator[Bench]:
    async with tap(server.info.address, folder) as tapped:
        client = await namespace_on(tapped.address)
        async with worker(client):
            yield Bench(server, tapped, client)


async def desk(client: Client) -> None:
    worker_target = EndpointTarget.Worker(namespace=client.namespace, task_queue=QUEUE)
    spec = EndpointSpec(name=f"desk-{client.namespace}", target=EndpointTarget(worker=worker_target))
    await client.operator_service.create_nexus_endpoint(CreateNexusEndpointRequest(spec=spec))


async def test_a_workflow_with_everything(temporal_server: RunningServer, tmp_path: Path) -> None:
    async with bench(temporal_server, tmp_path) as on:
        await desk(on.client)
        waiting = await on.waiting("root-waiting")
        await on.client.execute_workflow(Everything.run, True, id="root", task_queue=QUEUE)
        await waiting.signal("note")
        await waiting.query("notes")
        await waiting.query("__stack_trace")
        await waiting.query("__temporal_workflow_metadata")
        with pytest.raises(WorkflowQueryFailedError):
            await waiting.query("broken")
        await waiting.execute_update("ask", "good", id="same")
        await waiting.execute_update("ask", "good", id="same")
        with pytest.raises(WorkflowUpdateFailedError):
            await waiting.execute_update("ask", "bad")
        await waiting.signal("end")
        await waiting.result()
        assert await on.counts() == {
            "start": 2,
            "continue_as_new": 1,
            "activity": 3,
            "activity_retry": 2,
            "heartbeat": 1,
            "timer": 3,
            "markers": 1,  # the local activity
            "markers_of_patches": 1,
            "upsert_by_patch": 1,
            "memo_upsert": 1,
            "child_intent": 1,
            "child_start": 1,
            "signal_external": 1,
            "nexus_operation": 1,
            "signal": 2,
            "query": 2,  # one more is the UI's own and free
            "query_failed": 1,
            "update_accepted": 1,  # the same id twice
            "update_rejected": 1,
        }
        rows = on.tapped.log.actions(on.client.namespace)
        said = {(row.rule, row.owner, row.cause, row.step) for row in rows}
        assert {
            ("continue_as_new", "root", "Everything", ""),
            ("activity", "root", "work", "model call 3"),
            ("activity_retry", "root", "fail_twice", "retry 1"),
            ("heartbeat", "root", "beat", "beat 1"),
            ("timer", "root", "reminder", "reminder 2"),
            ("timer", "root", "timer", ""),
            ("markers", "root", "work", ""),
            ("child_start", "root", "Echo", ""),
            ("signal_external", "root", "note", ""),
            ("nexus_operation", "root", "Desk.answer", ""),
            ("update_rejected", "root-waiting", "ask", ""),
            ("query", "root-waiting", "notes", ""),
        } <= said
        assert [row.attempt for row in rows if row.rule == "activity_retry"] == [2, 3]


async def test_starts_of_every_kind(temporal_server: RunningServer, tmp_path: Path) -> None:
    async with bench(temporal_server, tmp_path) as on:
        client = on.client
        await on.waiting()
        with pytest.raises(WorkflowAlreadyStartedError) as raised:
            await on.waiting()
        assert raised.value.run_id, "the error's details have passed the tap"
        use = WorkflowIDConflictPolicy.USE_EXISTING
        await client.start_workflow(Waiting.run, id="root", task_queue=QUEUE, id_conflict_policy=use)
        request = api.StartWorkflowExecutionRequest(
            namespace=client.namespace,
            workflow_id="root",
            request_id=uuid.uuid4().hex,
            workflow_type={"name": "Waiting"},
            task_queue={"name": QUEUE},
            workflow_id_conflict_policy=2,  # USE_EXISTING
            on_conflict_options=OnConflictOptions(attach_request_id=True),
        )
        await client.workflow_service.start_workflow_execution(request)
        for workflow in ("root", "signalled"):
            await client.start_workflow(Waiting.run, id=workflow, task_queue=QUEUE, start_signal="note")
        for workflow, text in (("root", "good"), ("updated", "good"), ("rejected", "bad")):
            start = WithStartWorkflowOperation(Waiting.run, id=workflow, task_queue=QUEUE, id_conflict_policy=use)
            try:
                await client.execute_update_with_start_workflow("ask", text, start_workflow_operation=start)
            except WorkflowUpdateFailedError:
                assert text == "bad"
        assert await on.counts() == {
            "start": 1,
            "start_updates_options": 1,
            "signal_with_start": 2,
            "update_with_start": 2,
            "multi_operation_unstarted": 1,  # `root` ran already; free
            "update_accepted": 2,
            "update_rejected": 1,
        }


async def test_schedules(temporal_server: RunningServer, tmp_path: Path) -> None:
    async with bench(temporal_server, tmp_path) as on:
        schedule = Schedule(
            action=ScheduleActionStartWorkflow(Waiting.run, id="scheduled", task_queue=QUEUE), spec=ScheduleSpec()
        )
        handle = await on.client.create_schedule("nightly", schedule)
        await handle.pause()
        await handle.describe()
        await handle.update(lambda _old: ScheduleUpdate(schedule))
        await handle.delete()
        wire = await on.tapped.meters(on.client.namespace)
        meter = await metered(on.server, on.client.namespace)
        # A schedule is a workflow of the server's own, whose traffic crosses no wire.
        assert wire == {kind: count for kind, count in meter.items() if kind.endswith("Schedule")}
        rows = on.tapped.log.actions(on.client.namespace)
        assert [(row.rule, row.subject, row.owner, row.cause) for row in rows] == [
            ("schedule_operations", "schedule", "nightly", cause) for cause in ("create", "patch", "update", "delete")
        ]


async def test_operations_on_workflows(temporal_server: RunningServer, tmp_path: Path) -> None:
    async with bench(temporal_server, tmp_path) as on:
        waiting = await on.waiting()
        await waiting.signal("note")
        service, namespace = on.client.workflow_service, on.client.namespace
        execution = WorkflowExecution(workflow_id="root")
        override = VersioningOverride(auto_upgrade=True)
        await service.update_workflow_execution_options(
            api.UpdateWorkflowExecutionOptionsRequest(
                namespace=namespace,
                workflow_execution=execution,
                workflow_execution_options=WorkflowExecutionOptions(versioning_override=override),
                update_mask=FieldMask(paths=["versioning_override"]),
            )
        )
        await on.client.get_workflow_handle("root").query("notes")
        answer = await service.reset_workflow_execution(
            api.ResetWorkflowExecutionRequest(
                namespace=namespace,
                workflow_execution=execution,
                reason="test",
                workflow_task_finish_event_id=4,
                request_id=uuid.uuid4().hex,
            )
        )
        for call, request in (
            (service.pause_workflow_execution, api.PauseWorkflowExecutionRequest),
            (service.unpause_workflow_execution, api.UnpauseWorkflowExecutionRequest),
        ):
            await call(request(namespace=namespace, workflow_id="root", request_id=uuid.uuid4().hex, reason="test"))
        await on.client.get_workflow_handle("root").terminate()
        assert await on.counts() == {
            "start": 1,
            "signal": 1,
            "options_updated": 1,
            "query": 1,
            "reset": 1,
            "pause": 2,
        }
        rows = on.tapped.log.actions(namespace)
        assert [row.run for row in rows if row.rule == "reset"] == [answer.run_id]


async def test_standalone_activities(temporal_server: RunningServer, tmp_path: Path) -> None:
    async with bench(temporal_server, tmp_path) as on:
        soon = RetryPolicy(initial_interval=timedelta(milliseconds=20), backoff_coefficient=1)
        limit = timedelta(seconds=30)
        common = {"task_queue": QUEUE, "start_to_close_timeout": limit, "summary": "lookup 1"}
        assert await on.client.execute_activity(fail_twice, id="failing", retry_policy=soon, **common) == 3
        await on.client.execute_activity(beat, id="beating", heartbeat_timeout=timedelta(seconds=20), **common)
        assert await on.counts() == {"standalone_start": 2, "standalone_retry": 2, "standalone_heartbeat": 1}
        rows = on.tapped.log.actions(on.client.namespace)
        assert {(row.owner, row.cause, row.step, row.subject) for row in rows} == {
            ("failing", "fail_twice", "lookup 1", "activity"),
            ("beating", "beat", "lookup 1", "activity"),
        }


async def test_long_local_activities(temporal_server: RunningServer, tmp_path: Path) -> None:
    """A heartbeat of the workflow task is due at 80 % of its 10 s time-out: every 8 s. The SDK says at one of them how
    many retries there were between the one before and it (measured)."""
    async with bench(temporal_server, tmp_path) as on:
        await asyncio.gather(
            on.client.execute_workflow(LongLocal.run, 10.0, id="long", task_queue=QUEUE),
            on.client.execute_workflow(LongLocal.run, 0.1, id="short", task_queue=QUEUE),
            on.client.execute_workflow(LocalRetries.run, 18.0, id="retries", task_queue=QUEUE),
        )
        await on.counts()
        rows = on.tapped.log.actions(on.client.namespace)
        found = Counter((row.owner, row.rule) for row in rows if row.rule != "start")
        assert found.pop(("retries", "local_activity_retry")) == 1
        assert found == {
            ("long", "markers"): 1,
            ("long", "workflow_task_heartbeat"): 1,
            ("short", "markers"): 1,
            ("retries", "markers"): 1,
            ("retries", "workflow_task_heartbeat"): 2,
        }
        times = sum(row.times for row in rows if row.rule == "local_activity_retry")
        assert 20 < times <= 40  # one each 0.2 s for 8 s, on a machine that may be slow
        history = await on.client.get_workflow_handle("retries").fetch_history()
        assert times == sum(
            event.workflow_task_completed_event_attributes.metering_metadata.nonfirst_local_activity_execution_attempts
            for event in history.events
        )


async def test_large_payloads_pass_to_the_servers_limit(temporal_server: RunningServer, tmp_path: Path) -> None:
    async with bench(temporal_server, tmp_path) as on:
        almost = "x" * (2 * 1024 * 1024 - 1_000)  # the server takes payloads of 2 MiB
        echoed = await on.client.execute_workflow("Echo", almost, id="large", task_queue=QUEUE, result_type=str)
        assert echoed == almost
        with pytest.raises(RPCError):
            await on.client.start_workflow("Echo", almost + "x" * 2_000, id="larger", task_queue=QUEUE)
        assert await on.counts() == {"start": 1}


async def test_an_api_key_passes_and_is_written_nowhere(temporal_server: RunningServer, tmp_path: Path) -> None:
    async with tap(temporal_server.info.address, tmp_path) as tapped:
        client = await Client.connect(tapped.address, api_key="top-secret", tls=False)
        await client.start_workflow("Nothing", "also-secret", id=uuid.uuid4().hex, task_queue="nobody")
        await tapped.log.settle()
        assert len(tapped.log.actions("default")) == 1
        written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"secret" not in written


async def test_a_worker_that_is_stopped_amid_polls_leaves_no_doubt(
    temporal_server: RunningServer, tmp_path: Path
) -> None:
    async with tap(temporal_server.info.address, tmp_path) as tapped:
        client = await namespace_on(tapped.address)
        for number in range(3):
            async with worker(client):
                await client.execute_workflow("Echo", "x", id=f"echo-{number}", task_queue=QUEUE)
        assert await tapped.said(client.namespace) == []
        assert await tapped.meters(client.namespace) == {"grpc_StartWorkflowExecution": 3}
