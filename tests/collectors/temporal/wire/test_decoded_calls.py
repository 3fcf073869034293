"""What the decoder makes of calls, whatever way HTTP/2 and gRPC cut, pad, compress or end them."""

import json
from io import BytesIO

import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from spoken import SERVICE, Spoken, actions, decoded, framed, problems
from temporalio.api.activity.v1 import ActivityOptions
from temporalio.api.command.v1 import Command, ScheduleActivityTaskCommandAttributes
from temporalio.api.common.v1 import (
    ActivityType,
    MeteringMetadata,
    Payload,
    WorkflowExecution,
    WorkflowType,
)
from temporalio.api.enums.v1 import CommandType, WorkflowIdConflictPolicy
from temporalio.api.protocol.v1 import Message as ProtocolMessage
from temporalio.api.query.v1 import QueryRejected, WorkflowQuery
from temporalio.api.sdk.v1 import UserMetadata
from temporalio.api.update.v1 import Acceptance, Input, Rejection, Request
from temporalio.api.workflow.v1 import OnConflictOptions
from temporalio.api.workflowservice import v1 as api
from temporalio.api.workflowservice.v1 import service_pb2

from durameter_collectors.tapping.decoding import Kind, Record
from durameter_collectors.tapping.decoding import Rows as Written
from durameter_collectors.temporal.wire.calls import Decoder
from durameter_collectors.temporal.wire.client import ROW
from durameter_collectors.temporal.wire.methods import FREE_METHODS, METHODS

SIGNAL = api.SignalWorkflowExecutionRequest(
    namespace="mine",
    workflow_execution=WorkflowExecution(workflow_id="order-1", run_id="run-1"),
    signal_name="approve",
    input={"payloads": [Payload(data=b"user data" * 40)]},
)
ANSWER = api.SignalWorkflowExecutionResponse()
RUN = WorkflowExecution(workflow_id="order-1", run_id="run-1")


def task(token: bytes = b"task", **fields: object) -> api.PollWorkflowTaskQueueResponse:
    return api.PollWorkflowTaskQueueResponse(
        task_token=token, workflow_execution=RUN, workflow_type=WorkflowType(name="Order"), **fields
    )


def activity_task(token: bytes = b"activity", attempt: int = 1, **fields: object) -> api.PollActivityTaskQueueResponse:
    owner = {} if "activity_run_id" in fields else {"workflow_execution": RUN}
    return api.PollActivityTaskQueueResponse(
        task_token=token,
        activity_id="5",
        activity_type=ActivityType(name="call_model"),
        attempt=attempt,
        **owner,
        **fields,
    )


def completion(*commands: Command, token: bytes = b"task", **fields: object) -> api.RespondWorkflowTaskCompletedRequest:
    return api.RespondWorkflowTaskCompletedRequest(
        namespace="mine", task_token=token, commands=list(commands), **fields
    )


def schedule(summary: str = "") -> Command:
    metadata = UserMetadata(summary=Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(summary).encode()))
    return Command(
        command_type=CommandType.COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK,
        user_metadata=metadata if summary else None,
        schedule_activity_task_command_attributes=ScheduleActivityTaskCommandAttributes(
            activity_id="5", activity_type=ActivityType(name="call_model")
        ),
    )


@pytest.mark.parametrize("encoding", ["", "identity", "gzip", "deflate"])
@pytest.mark.parametrize(
    "how", [{}, {"frame_bytes": 7}, {"padding": 9}, {"header_bytes": 11}, {"header_bytes": 11, "padding": 3}]
)
def test_a_call_is_read_however_it_is_framed(encoding: str, how: dict[str, int]) -> None:
    spoken = Spoken(**how)
    for _ in range(3):  # later ones use the header table
        stream = spoken.ask("SignalWorkflowExecution", SIGNAL, encoding="" if encoding == "identity" else encoding)
        spoken.answer(stream, ANSWER, encoding="" if encoding == "identity" else encoding)
    rows = decoded(spoken.said)
    assert [(row.rule, row.meter, row.namespace, row.owner, row.run, row.cause) for row in actions(rows)] == [
        ("signal", "grpc_SignalWorkflowExecution", "mine", "order-1", "run-1", "approve")
    ] * 3
    assert [row.call for row in rows] == [1, 2, 3]
    assert problems(rows) == []


def test_header_tables_change_their_size() -> None:
    spoken = Spoken()
    for size in (0, 64, 65_536, 4_096):
        spoken.table_size(Kind.FROM_SERVER, size)
        spoken.call("SignalWorkflowExecution", SIGNAL, ANSWER)
        spoken.table_size(Kind.FROM_CLIENT, size)
        spoken.call("SignalWorkflowExecution", SIGNAL, ANSWER)
    assert len(actions(decoded(spoken.said))) == 8


@pytest.mark.parametrize("status", [1, 3, 5, 6, 13, 16])
def test_a_failed_call_is_free(status: int) -> None:
    spoken = Spoken()
    spoken.fail(spoken.ask("SignalWorkflowExecution", SIGNAL), status)
    spoken.answer(spoken.ask("SignalWorkflowExecution", SIGNAL), ANSWER, status=status)
    assert decoded(spoken.said) == []


def test_a_call_whose_outcome_nobody_saw_is_a_problem() -> None:
    spoken = Spoken()
    spoken.reset(Kind.FROM_CLIENT, spoken.ask("SignalWorkflowExecution", SIGNAL))
    spoken.reset(Kind.FROM_SERVER, spoken.ask("SignalWorkflowExecution", SIGNAL))
    spoken.answer(spoken.ask("SignalWorkflowExecution", SIGNAL), ANSWER, status=None)
    spoken.ask("SignalWorkflowExecution", SIGNAL)  # and then the connection closes
    rows = decoded(spoken.said)
    assert [row.call for row in rows] == [1, 2, 3, 4]
    assert all("outcome is unknown" in what for what in problems(rows))
    assert len(problems(rows)) == 4


def test_a_call_that_the_server_did_not_take_is_no_problem() -> None:
    spoken = Spoken()
    refused_stream = 7
    spoken.reset(Kind.FROM_SERVER, spoken.ask("SignalWorkflowExecution", SIGNAL), code=refused_stream)
    last = spoken.ask("SignalWorkflowExecution", SIGNAL)
    spoken.ask("SignalWorkflowExecution", SIGNAL)
    spoken.go_away(last)
    spoken.answer(last, ANSWER)
    assert [row.call for row in decoded(spoken.said)] == [2]


def test_a_poll_that_ends_without_work_is_no_problem() -> None:
    spoken = Spoken()
    for method, request in (
        ("PollActivityTaskQueue", api.PollActivityTaskQueueRequest(namespace="mine")),
        ("PollWorkflowTaskQueue", api.PollWorkflowTaskQueueRequest(namespace="mine")),
    ):
        spoken.reset(Kind.FROM_CLIENT, spoken.ask(method, request))
        spoken.fail(spoken.ask(method, request), 4)
        spoken.ask(method, request)
    spoken.call("PollActivityTaskQueue", api.PollActivityTaskQueueRequest(), api.PollActivityTaskQueueResponse())
    assert decoded(spoken.said) == []


def test_what_cannot_be_read_is_a_problem_and_not_dropped() -> None:
    spoken = Spoken()
    spoken.answer(spoken.ask("SignalWorkflowExecution", b"\xff\xff\xff"), ANSWER)
    spoken.answer(spoken.ask("StartWorkflowExecution", api.StartWorkflowExecutionRequest()), b"\xff\xff\xff")
    spoken.answer(spoken.ask("SignalWorkflowExecution", SIGNAL, encoding="zstd"), ANSWER)
    spoken.answer(spoken.ask("FancyNewCall", b""), b"")
    spoken.answer(spoken.ask("", b"", path="/some.other.Service/Call"), b"")
    spoken.answer(spoken.ask("", b"", path="/top-secret?x=y"), b"")
    stream = spoken.ask("SignalWorkflowExecution", SIGNAL)
    spoken.headers(Kind.FROM_SERVER, stream, {":status": "200"}, end=False)
    spoken.headers(Kind.FROM_SERVER, stream, {"grpc-status": "0"}, end=True)  # success, and no message
    rows = decoded(spoken.said)
    assert [row.call for row in rows] == [1, 2, 3, 4, 5, 6, 7]
    assert len(problems(rows)) == 7
    assert "top-secret" not in "".join(row.model_dump_json() for row in rows)


def test_other_services_are_free() -> None:
    spoken = Spoken()
    for path in (
        "/temporal.api.operatorservice.v1.OperatorService/CreateNexusEndpoint",
        "/grpc.health.v1.Health/Check",
        SERVICE + "GetSystemInfo",
    ):
        spoken.answer(spoken.ask("", b"whatever", path=path), b"whatever")
    assert decoded(spoken.said) == []


def test_every_call_of_the_service_is_known() -> None:
    service = service_pb2.DESCRIPTOR.services_by_name["WorkflowService"]
    assert {method.name for method in service.methods} == FREE_METHODS | METHODS.keys()
    for name, method in METHODS.items():
        described = service.methods_by_name[name]
        assert (described.input_type.name, described.output_type.name) == (
            method.request.DESCRIPTOR.name,
            method.response.DESCRIPTOR.name,
        )


def test_every_command_is_known() -> None:
    """A new type of command is named by number, one of this version that no rule knows by name."""
    spoken = Spoken()
    every = [number for number in CommandType.values() if number]
    spoken.call("RespondWorkflowTaskCompleted", completion(*(Command(command_type=n) for n in every)), _DONE)
    spoken.call("RespondWorkflowTaskCompleted", completion(Command(command_type=99), Command()), _DONE)
    assert problems(decoded(spoken.said)) == [
        "no rule knows the command type number 99",
        "no rule knows the command type UNSPECIFIED",
    ]


_DONE = api.RespondWorkflowTaskCompletedResponse()


def test_tokens_lead_from_poll_to_workflow_and_activity() -> None:
    spoken = Spoken()
    polled = api.PollWorkflowTaskQueueRequest(namespace="mine")
    spoken.call("PollWorkflowTaskQueue", polled, task())
    inline = api.RespondWorkflowTaskCompletedResponse(workflow_task=task(b"inline"))
    spoken.call("RespondWorkflowTaskCompleted", completion(schedule("message 1 / call_model 2")), inline)
    eager = api.RespondWorkflowTaskCompletedResponse(activity_tasks=[activity_task(b"eager")])
    spoken.call("RespondWorkflowTaskCompleted", completion(schedule(), token=b"inline"), eager)
    beat = api.RecordActivityTaskHeartbeatResponse()
    for token in (b"eager", b"retried"):
        if token == b"retried":
            spoken.call(
                "PollActivityTaskQueue", api.PollActivityTaskQueueRequest(namespace="mine"), activity_task(token, 2)
            )
        request = api.RecordActivityTaskHeartbeatRequest(namespace="mine", task_token=token)
        spoken.call("RecordActivityTaskHeartbeat", request, beat)
    by_id = api.RecordActivityTaskHeartbeatByIdRequest(namespace="mine", workflow_id="order-1", activity_id="5")
    spoken.call("RecordActivityTaskHeartbeatById", by_id, api.RecordActivityTaskHeartbeatByIdResponse())
    step = "message 1 / call_model 2"
    assert [
        (row.rule, row.owner, row.run, row.cause, row.step, row.activity, row.attempt)
        for row in actions(decoded(spoken.said))
    ] == [
        ("activity", "order-1", "run-1", "call_model", step, "5", 1),
        ("activity", "order-1", "run-1", "call_model", "", "5", 1),
        ("heartbeat", "order-1", "run-1", "call_model", step, "5", 1),
        ("activity_retry", "order-1", "run-1", "call_model", step, "5", 2),
        ("heartbeat", "order-1", "run-1", "call_model", step, "5", 2),
        ("heartbeat", "order-1", "run-1", "call_model", step, "5", 2),
    ]


def test_a_heartbeat_that_is_answered_after_its_activity_keeps_its_owner() -> None:
    spoken = Spoken()
    spoken.call("PollActivityTaskQueue", api.PollActivityTaskQueueRequest(namespace="mine"), activity_task())
    beat = spoken.ask("RecordActivityTaskHeartbeat", api.RecordActivityTaskHeartbeatRequest(task_token=b"activity"))
    done = api.RespondActivityTaskCompletedRequest(namespace="mine", task_token=b"activity")
    spoken.call("RespondActivityTaskCompleted", done, api.RespondActivityTaskCompletedResponse())
    spoken.answer(beat, api.RecordActivityTaskHeartbeatResponse())
    late = api.RecordActivityTaskHeartbeatRequest(namespace="mine", task_token=b"activity")
    spoken.call("RecordActivityTaskHeartbeat", late, api.RecordActivityTaskHeartbeatResponse())
    known, unknown = actions(decoded(spoken.said))
    assert (known.namespace, known.owner) == ("mine", "order-1")
    assert (unknown.namespace, unknown.owner) == ("mine", "")  # forgotten with its task: memory is bounded


def test_what_no_token_explains_is_an_action_of_nobody() -> None:
    spoken = Spoken()
    spoken.call("RespondWorkflowTaskCompleted", completion(schedule()), _DONE)
    (row,) = actions(decoded(spoken.said))
    assert (row.rule, row.namespace, row.owner) == ("activity", "mine", "")


def test_eager_starts_hand_out_tasks() -> None:
    spoken = Spoken()
    start = api.StartWorkflowExecutionRequest(
        namespace="mine", workflow_id="order-1", workflow_type=WorkflowType(name="Order")
    )
    started = api.StartWorkflowExecutionResponse(run_id="run-1", started=True, eager_workflow_task=task(b"one"))
    spoken.call("StartWorkflowExecution", start, started)
    multi = api.ExecuteMultiOperationRequest(namespace="mine", operations=[{"start_workflow": start}])
    other = api.StartWorkflowExecutionResponse(run_id="run-2", started=True)
    answer = api.ExecuteMultiOperationResponse(responses=[{"start_workflow": other}])
    spoken.call("ExecuteMultiOperation", multi, answer)
    spoken.call("RespondWorkflowTaskCompleted", completion(schedule(), token=b"one"), _DONE)
    assert [(row.rule, row.meter, row.owner) for row in actions(decoded(spoken.said))] == [
        ("start", "grpc_StartWorkflowExecution", "order-1"),
        ("update_with_start", "grpc_ExecuteMultiOperation", "order-1"),
        ("activity", "command_ScheduleActivityTask", "order-1"),
    ]


def test_a_start_that_is_sent_again_is_no_second_one() -> None:
    """The server answers it with the same run, and `started` once more."""
    spoken = Spoken()
    start = api.StartWorkflowExecutionRequest(namespace="mine", workflow_id="order-1", request_id="a")
    for _ in range(2):
        spoken.call("StartWorkflowExecution", start, api.StartWorkflowExecutionResponse(run_id="run-1", started=True))
    assert [(row.rule, row.meter) for row in actions(decoded(spoken.said))] == [
        ("start", "grpc_StartWorkflowExecution"),
        ("deduplicated_request", "grpc_StartWorkflowExecution"),
    ]


def test_a_query_that_fails_is_an_open_question_and_one_that_finds_nothing_is_none() -> None:
    spoken = Spoken()
    query = api.QueryWorkflowRequest(
        namespace="mine", execution={"workflow_id": "order-1"}, query={"query_type": "state"}
    )
    for status in (3, 5):
        spoken.fail(spoken.ask("QueryWorkflow", query), status)
    [row] = actions(decoded(spoken.said))
    assert (row.rule, row.meter, row.owner, row.cause) == ("query_failed", "", "order-1", "state")


def test_a_signal_that_is_sent_again_is_no_second_one() -> None:
    """The server takes a request id once, and its meter counts the call each time."""
    spoken = Spoken()
    for request_id in ("a", "a", "b", "", ""):
        signal = api.SignalWorkflowExecutionRequest(
            namespace="mine", workflow_execution={"workflow_id": "order-1"}, signal_name="go", request_id=request_id
        )
        spoken.call("SignalWorkflowExecution", signal, api.SignalWorkflowExecutionResponse())
    assert [row.rule for row in actions(decoded(spoken.said))] == [
        "signal", "deduplicated_request", "signal", "signal", "signal",
    ]  # fmt: skip


def test_an_update_with_start_that_fails_is_noted() -> None:
    spoken = Spoken()
    start = api.StartWorkflowExecutionRequest(namespace="mine", workflow_id="order-1")
    multi = api.ExecuteMultiOperationRequest(namespace="mine", operations=[{"start_workflow": start}])
    spoken.fail(spoken.ask("ExecuteMultiOperation", multi), 5)
    [row] = actions(decoded(spoken.said))
    assert (row.rule, row.meter, row.owner) == ("multi_operation_unstarted", "", "order-1")


def test_attempts_that_begin_again_are_noted() -> None:
    """Pausing and unpausing without a reset changes no attempt."""
    spoken = Spoken()
    of = {"namespace": "mine", "execution": {"workflow_id": "order-1"}}
    spoken.call("ResetActivity", api.ResetActivityRequest(**of, id="1"), api.ResetActivityResponse())
    spoken.call("ResetActivity", api.ResetActivityRequest(**of, match_all=True), api.ResetActivityResponse())
    for reset in (True, False):
        unpause = api.UnpauseActivityRequest(**of, id="2", reset_attempts=reset)
        spoken.call("UnpauseActivity", unpause, api.UnpauseActivityResponse())
    rows = actions(decoded(spoken.said))
    assert [(row.rule, row.owner, row.activity) for row in rows] == [
        ("activity_reset", "order-1", "1"),
        ("activity_reset", "order-1", ""),
        ("activity_reset", "order-1", "2"),
    ]


def test_a_start_that_found_the_workflow_running() -> None:
    existing = WorkflowIdConflictPolicy.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING
    plain = api.StartWorkflowExecutionRequest(namespace="mine", workflow_id="o", workflow_id_conflict_policy=existing)
    attaching = api.StartWorkflowExecutionRequest(
        namespace="mine",
        workflow_id="o",
        workflow_id_conflict_policy=existing,
        on_conflict_options=OnConflictOptions(attach_request_id=True),
    )
    found = api.StartWorkflowExecutionResponse(run_id="run-1")
    spoken = Spoken()
    for start in (plain, attaching):
        spoken.call("StartWorkflowExecution", start, found)
        spoken.call(
            "ExecuteMultiOperation",
            api.ExecuteMultiOperationRequest(namespace="mine", operations=[{"start_workflow": start}]),
            api.ExecuteMultiOperationResponse(responses=[{"start_workflow": found}]),
        )
    assert [(row.rule, row.meter) for row in actions(decoded(spoken.said))] == [
        ("multi_operation_unstarted", ""),
        ("start_updates_options", "grpc_StartWorkflowExecution_UpdateWorkflowExecutionOptions"),
        ("start_updates_options", "grpc_ExecuteMultiOperation_UpdateWorkflowExecutionOptions"),
        ("multi_operation_unstarted", ""),
    ]


def test_queries() -> None:
    spoken = Spoken()
    for name in ("status", "__stack_trace", "__temporal_workflow_metadata"):
        request = api.QueryWorkflowRequest(namespace="mine", execution=RUN, query=WorkflowQuery(query_type=name))
        spoken.call("QueryWorkflow", request, api.QueryWorkflowResponse())
    rejected = api.QueryWorkflowResponse(query_rejected=QueryRejected(status=2))  # the meter counts it
    spoken.call("QueryWorkflow", request.__class__(execution=RUN, query=WorkflowQuery(query_type="late")), rejected)
    assert [row.cause for row in actions(decoded(spoken.said))] == ["status", "__stack_trace", "late"]


def update_message(body: Acceptance | Rejection | Request, instance: str) -> ProtocolMessage:
    packed = AnyMessage()
    packed.Pack(body)
    return ProtocolMessage(protocol_instance_id=instance, body=packed)


def test_updates_have_their_names_also_when_the_worker_does_not_repeat_them() -> None:
    asked = Request(input=Input(name="ask"))
    spoken = Spoken()
    polled = task(messages=[update_message(asked, "u1"), update_message(asked, "u2")])
    spoken.call("PollWorkflowTaskQueue", api.PollWorkflowTaskQueueRequest(namespace="mine"), polled)
    messages = [
        update_message(Acceptance(), "u1"),
        update_message(Rejection(rejected_request=Request(input=Input(name="tell"))), "u3"),
        update_message(Rejection(), "u2"),
        ProtocolMessage(protocol_instance_id="u4", body=AnyMessage(type_url="type.googleapis.com/new.Thing")),
    ]
    spoken.call("RespondWorkflowTaskCompleted", completion(messages=messages), _DONE)
    rows = decoded(spoken.said)
    assert [(row.rule, row.cause, row.owner) for row in actions(rows)] == [
        ("update_accepted", "ask", "order-1"),
        ("update_rejected", "tell", "order-1"),
        ("update_rejected", "ask", "order-1"),
    ]
    assert len(problems(rows)) == 1


def test_what_only_cloud_bills_of_long_local_activities() -> None:
    spoken = Spoken()
    attempts = MeteringMetadata(nonfirst_local_activity_execution_attempts=170)
    request = completion(force_create_new_workflow_task=True, metering_metadata=attempts)
    spoken.call("RespondWorkflowTaskCompleted", request, _DONE)
    # 100 per workflow task at most.
    assert [(row.rule, row.meter, row.times) for row in actions(decoded(spoken.said))] == [
        ("workflow_task_heartbeat", "", 1),
        ("local_activity_retry", "", 100),
    ]


def test_standalone_activities() -> None:
    mine = {"namespace": "mine", "activity_id": "5"}
    start = api.StartActivityExecutionRequest(activity_type=ActivityType(name="call_model"), **mine)
    spoken = Spoken()
    spoken.call("StartActivityExecution", start, api.StartActivityExecutionResponse(run_id="r", started=True))
    spoken.call("StartActivityExecution", start, api.StartActivityExecutionResponse(run_id="r"))  # was there already
    poll = api.PollActivityTaskQueueRequest(namespace="mine")
    for attempt in (1, 2):
        spoken.call("PollActivityTaskQueue", poll, activity_task(b"t", attempt, activity_run_id="r"))
        request = api.RecordActivityTaskHeartbeatRequest(namespace="mine", task_token=b"t")
        spoken.call("RecordActivityTaskHeartbeat", request, api.RecordActivityTaskHeartbeatResponse())
    spoken.call(
        "RecordActivityTaskHeartbeatById",
        api.RecordActivityTaskHeartbeatByIdRequest(**mine),
        api.RecordActivityTaskHeartbeatByIdResponse(),
    )
    spoken.call(
        "PauseActivityExecution", api.PauseActivityExecutionRequest(**mine), api.PauseActivityExecutionResponse()
    )
    spoken.call(
        "UnpauseActivityExecution", api.UnpauseActivityExecutionRequest(**mine), api.UnpauseActivityExecutionResponse()
    )
    spoken.call(
        "ResetActivityExecution", api.ResetActivityExecutionRequest(**mine), api.ResetActivityExecutionResponse()
    )
    options = api.UpdateActivityExecutionOptionsRequest(activity_options=ActivityOptions(), **mine)
    spoken.call("UpdateActivityExecutionOptions", options, api.UpdateActivityExecutionOptionsResponse())
    owned = api.PauseActivityExecutionRequest(workflow_id="order-1", **mine)
    spoken.call("PauseActivityExecution", owned, api.PauseActivityExecutionResponse())  # a workflow's activity: free
    rows = actions(decoded(spoken.said))
    assert [(row.rule, row.meter, row.attempt) for row in rows] == [
        ("standalone_start", "", 1),
        ("standalone_heartbeat", "grpc_RecordActivityTaskHeartbeat", 1),
        ("standalone_retry", "activity_retry", 2),
        ("standalone_heartbeat", "grpc_RecordActivityTaskHeartbeat", 2),
        ("standalone_heartbeat", "grpc_RecordActivityTaskHeartbeatById", 2),
        ("standalone_pause", "", 1),
        ("standalone_reset", "", 1),
        ("standalone_options", "", 1),
    ]
    assert {(row.subject, row.owner, row.cause) for row in rows} == {("activity", "5", "call_model")}


def test_calls_of_two_connections_share_what_is_known() -> None:
    """A worker polls on one connection and answers on another."""
    polling, answering = Spoken(), Spoken()
    polling.call("PollWorkflowTaskQueue", api.PollWorkflowTaskQueueRequest(namespace="mine"), task())
    answering.call("RespondWorkflowTaskCompleted", completion(schedule()), _DONE)
    out = BytesIO()
    written = Written(out)
    decoder = Decoder(written)
    for connection, spoken in enumerate((polling, answering)):
        decoder.take(Record(Kind.OPENED, connection, 1.0, b""))
        for side, data in spoken.said:
            decoder.take(Record(side, connection, 1.0, data))
    written.flush()
    (row,) = [ROW.validate_json(line) for line in out.getvalue().splitlines()]
    assert row.owner == "order-1"


def test_a_bomb_does_not_burst_the_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("durameter_collectors.temporal.wire.grpc.LARGEST", 10_000)
    spoken = Spoken()
    large = api.SignalWorkflowExecutionRequest(input={"payloads": [Payload(data=bytes(100_000))]})
    assert len(framed(large, "gzip")) < 10_000
    spoken.call("SignalWorkflowExecution", large, ANSWER, encoding="gzip")
    spoken.call("SignalWorkflowExecution", large, ANSWER)
    assert len(problems(decoded(spoken.said))) == 2
