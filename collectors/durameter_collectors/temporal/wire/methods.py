"""The calls of Temporal's `WorkflowService`: which of them can cost something, and what each did.

What the open-source server's meter counts, and under which name, is in its source,
`common/rpc/interceptor/telemetry.go`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from google.protobuf.message import Message
from temporalio.api.enums.v1 import WorkflowIdConflictPolicy
from temporalio.api.workflowservice import v1 as api

from durameter_collectors.temporal.markers import static_summary
from durameter_collectors.temporal.wire.commands import Completion, completed
from durameter_collectors.temporal.wire.response import Answer
from durameter_collectors.temporal.wire.tasks import ActivityTask, WorkflowTask

__all__ = ["FREE_METHODS", "FREE_SERVICES", "METHODS", "WORKFLOW_SERVICE", "Method"]

WORKFLOW_SERVICE = "temporal.api.workflowservice.v1.WorkflowService"

FREE_SERVICES = (
    "temporal.api.operatorservice.",
    "temporal.api.cloud.",
    "temporal.api.testservice.",
    "temporal.server.api.adminservice.",
    "grpc.health.",
    "grpc.reflection.",
)
"""Services of which no call is an Action, by the beginning of their names."""

FREE_METHODS = frozenset(
    [
        "RegisterNamespace",
        "DescribeNamespace",
        "ListNamespaces",
        "UpdateNamespace",
        "DeprecateNamespace",
        "GetWorkflowExecutionHistory",
        "GetWorkflowExecutionHistoryReverse",
        "RequestCancelWorkflowExecution",
        "TerminateWorkflowExecution",
        "DeleteWorkflowExecution",
        "ListOpenWorkflowExecutions",
        "ListClosedWorkflowExecutions",
        "ListWorkflowExecutions",
        "ListArchivedWorkflowExecutions",
        "ScanWorkflowExecutions",
        "CountWorkflowExecutions",
        "GetSearchAttributes",
        "DescribeWorkflowExecution",
        "RespondActivityTaskCompletedById",
        "RespondActivityTaskFailedById",
        "RespondActivityTaskCanceledById",
        "RespondQueryTaskCompleted",
        "ResetStickyTaskQueue",
        "ShutdownWorker",
        "DescribeTaskQueue",
        "GetClusterInfo",
        "GetSystemInfo",
        "ListTaskQueuePartitions",
        "DescribeSchedule",
        "ListScheduleMatchingTimes",
        "ListSchedules",
        "CountSchedules",
        "UpdateWorkerBuildIdCompatibility",
        "GetWorkerBuildIdCompatibility",
        "UpdateWorkerVersioningRules",
        "GetWorkerVersioningRules",
        "GetWorkerTaskReachability",
        "DescribeDeployment",
        "ListDeployments",
        "GetDeploymentReachability",
        "GetCurrentDeployment",
        "SetCurrentDeployment",
        "DescribeWorkerDeploymentVersion",
        "SetWorkerDeploymentCurrentVersion",
        "DescribeWorkerDeployment",
        "DeleteWorkerDeployment",
        "DeleteWorkerDeploymentVersion",
        "SetWorkerDeploymentRampingVersion",
        "ListWorkerDeployments",
        "CreateWorkerDeployment",
        "CreateWorkerDeploymentVersion",
        "UpdateWorkerDeploymentVersionComputeConfig",
        "ValidateWorkerDeploymentVersionComputeConfig",
        "UpdateWorkerDeploymentVersionMetadata",
        "SetWorkerDeploymentManager",
        "UpdateWorkflowExecution",
        "PollWorkflowExecutionUpdate",
        "StartBatchOperation",
        "StopBatchOperation",
        "DescribeBatchOperation",
        "ListBatchOperations",
        "PollNexusTaskQueue",
        "RespondNexusTaskCompleted",
        "RespondNexusTaskFailed",
        "UpdateActivityOptions",
        "PauseActivity",
        "CreateWorkflowRule",
        "DescribeWorkflowRule",
        "DeleteWorkflowRule",
        "ListWorkflowRules",
        "TriggerWorkflowRule",
        "RecordWorkerHeartbeat",
        "ListWorkers",
        "CountWorkers",
        "DescribeWorker",
        "UpdateTaskQueueConfig",
        "FetchWorkerConfig",
        "UpdateWorkerConfig",
        "DescribeActivityExecution",
        "PollActivityExecution",
        "ListActivityExecutions",
        "CountActivityExecutions",
        "RequestCancelActivityExecution",
        "TerminateActivityExecution",
        "DeleteActivityExecution",
        "UnpauseActivityExecution",
        "DescribeNexusOperationExecution",
        "PollNexusOperationExecution",
        "ListNexusOperationExecutions",
        "CountNexusOperationExecutions",
        "TerminateNexusOperationExecution",
        "DeleteNexusOperationExecution",
        "PollWorkflowExecutionTimeSkipping",
    ]
)
"""Calls that are no Action by themselves; an update is billed where the worker accepts or rejects it, and what a batch
job does is the server's own traffic. A method that is neither here nor in `METHODS` is a problem."""

Req = TypeVar("Req", bound=Message)
Res = TypeVar("Res", bound=Message)


@dataclass(frozen=True, slots=True)
class Method(Generic[Req, Res]):
    """A call whose messages are of interest."""

    request: type[Req]
    response: type[Res]
    act: Callable[[Answer[Req, Res]], None]
    """What a successful one did."""
    failed: Callable[[Answer[Req, Res]], None] | None = None
    """What is to know of one that failed or was given up; its response is empty."""
    metered: bool = False
    """Whether the server's meter counts every Action that it can be."""
    counted: bool = True
    """Whether it may be an Action, so that an outcome that was not seen is a problem."""
    poll: bool = False
    """Whether it waits for work: one that ends without an answer did nothing."""
    by_token: bool = False
    """Whether its request has a task token."""
    ends_task: bool = False
    """Whether the token is of no use after it."""


_INVALID_ARGUMENT = 3
"""gRPC's status code."""


def _nothing(_answer: Answer[Message, Message]) -> None:
    """Of interest only for the token that it ends."""


def _uses_existing(request: api.StartWorkflowExecutionRequest) -> bool:
    existing = WorkflowIdConflictPolicy.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING
    return request.workflow_id_conflict_policy == existing and request.HasField("on_conflict_options")


def _started(
    answer: Answer[Any, Any],
    request: api.StartWorkflowExecutionRequest,
    response: api.StartWorkflowExecutionResponse,
    rule: Literal["start", "update_with_start"],
) -> None:
    if response.HasField("eager_workflow_task"):
        _hand_out(answer, response.eager_workflow_task)
    meter = f"grpc_{answer.method}"
    if response.started:
        cause = request.workflow_type.name
        # A request that is sent again gets the same run, and the server says `started` once more.
        again = answer.known.started.get(response.run_id) is not None
        answer.known.started.put(response.run_id, rule)
        answer.action(
            "deduplicated_request" if again else rule,
            meter=meter,
            owner=request.workflow_id,
            run=response.run_id,
            cause=cause,
        )
    elif _uses_existing(request):
        answer.action(
            "start_updates_options",
            meter=f"{meter}_UpdateWorkflowExecutionOptions",
            owner=request.workflow_id,
            run=response.run_id,
            cause="options",
        )


def _start(answer: Answer[api.StartWorkflowExecutionRequest, api.StartWorkflowExecutionResponse]) -> None:
    _started(answer, answer.request, answer.response, "start")


def _multi(answer: Answer[api.ExecuteMultiOperationRequest, api.ExecuteMultiOperationResponse]) -> None:
    operations, responses = answer.request.operations, answer.response.responses
    if not operations or not responses or not responses[0].HasField("start_workflow"):
        answer.problem("no rule knows a multi-operation that does not begin with a start")
        return
    _started(answer, operations[0].start_workflow, responses[0].start_workflow, "update_with_start")
    if not responses[0].start_workflow.started:  # servers lose the flag when several such calls race (measured)
        _multi_unstarted(answer)


def _multi_unstarted(answer: Answer[api.ExecuteMultiOperationRequest, api.ExecuteMultiOperationResponse]) -> None:
    """It may have started the workflow all the same: only the history knows."""
    operations = answer.request.operations
    if operations and operations[0].HasField("start_workflow"):
        start = operations[0].start_workflow
        answer.action("multi_operation_unstarted", owner=start.workflow_id, cause=start.workflow_type.name)


def _sent_again(answer: Answer[Any, Any], workflow: str, request: str, rule: str) -> bool:
    """Whether a signal of this request id was taken before; remembers it."""
    key = (answer.namespace, workflow, request)
    again = bool(request) and answer.known.signals.get(key) is not None
    answer.known.signals.put(key, rule)
    return again


def _signal(answer: Answer[api.SignalWorkflowExecutionRequest, api.SignalWorkflowExecutionResponse]) -> None:
    execution = answer.request.workflow_execution
    again = _sent_again(answer, execution.workflow_id, answer.request.request_id, "signal")
    answer.action(
        "deduplicated_request" if again else "signal",
        meter="grpc_SignalWorkflowExecution",
        owner=execution.workflow_id,
        run=execution.run_id,
        cause=answer.request.signal_name,
    )


def _signal_with_start(
    answer: Answer[api.SignalWithStartWorkflowExecutionRequest, api.SignalWithStartWorkflowExecutionResponse],
) -> None:
    again = _sent_again(answer, answer.request.workflow_id, answer.request.request_id, "signal_with_start")
    answer.action(
        "deduplicated_request" if again else "signal_with_start",
        meter="grpc_SignalWithStartWorkflowExecution",
        owner=answer.request.workflow_id,
        run=answer.response.run_id,
        cause=answer.request.signal_name,
    )


def _query(answer: Answer[api.QueryWorkflowRequest, api.QueryWorkflowResponse]) -> None:
    name = answer.request.query.query_type
    if name != "__temporal_workflow_metadata":  # the UI's own, free
        execution = answer.request.execution
        answer.action(
            "query", meter="grpc_QueryWorkflow", owner=execution.workflow_id, run=execution.run_id, cause=name
        )


def _query_failed(answer: Answer[api.QueryWorkflowRequest, api.QueryWorkflowResponse]) -> None:
    if answer.status != _INVALID_ARGUMENT:  # the workflow's own answer; others never came to it
        return
    execution, name = answer.request.execution, answer.request.query.query_type
    answer.action("query_failed", owner=execution.workflow_id, run=execution.run_id, cause=name)


def _reset(answer: Answer[api.ResetWorkflowExecutionRequest, api.ResetWorkflowExecutionResponse]) -> None:
    answer.action(
        "reset",
        meter="grpc_ResetWorkflowExecution",
        owner=answer.request.workflow_execution.workflow_id,
        run=answer.response.run_id,
        cause="reset",
    )


def _options(
    answer: Answer[api.UpdateWorkflowExecutionOptionsRequest, api.UpdateWorkflowExecutionOptionsResponse],
) -> None:
    execution = answer.request.workflow_execution
    answer.action(
        "options_updated",
        meter="grpc_UpdateWorkflowExecutionOptions",
        owner=execution.workflow_id,
        run=execution.run_id,
        cause="options",
    )


def _pause(
    answer: Answer[api.PauseWorkflowExecutionRequest, Message] | Answer[api.UnpauseWorkflowExecutionRequest, Message],
) -> None:
    answer.action(
        "pause",
        meter=f"grpc_{answer.method}",
        owner=answer.request.workflow_id,
        run=answer.request.run_id,
        cause="pause",
    )


def _schedule(
    answer: Answer[api.CreateScheduleRequest, Message]
    | Answer[api.UpdateScheduleRequest, Message]
    | Answer[api.PatchScheduleRequest, Message]
    | Answer[api.DeleteScheduleRequest, Message],
) -> None:
    answer.action(
        "schedule_operations",
        meter=f"grpc_{answer.method}",
        subject="schedule",
        owner=answer.request.schedule_id,
        cause=answer.method.removesuffix("Schedule").lower(),
    )


def _hand_out(answer: Answer[Any, Any], task: api.PollWorkflowTaskQueueResponse) -> None:
    """Remember whose workflow task a worker got. One with a query only is answered for free."""
    if task.task_token and not task.HasField("query"):
        answer.known.tasks.put(task.task_token, WorkflowTask.of(answer.namespace, task))


def _poll_workflow(answer: Answer[api.PollWorkflowTaskQueueRequest, api.PollWorkflowTaskQueueResponse]) -> None:
    _hand_out(answer, answer.response)


def _completed(answer: Completion) -> None:
    completed(answer)
    if answer.request.intermediate_page and answer.task is not None:
        answer.known.tasks.put(answer.request.task_token, answer.task)
    if answer.response.HasField("workflow_task"):
        _hand_out(answer, answer.response.workflow_task)
    for task in answer.response.activity_tasks:
        _hand_out_activity(answer, task)


def _hand_out_activity(answer: Answer[Any, Any], task: api.PollActivityTaskQueueResponse) -> ActivityTask:
    activity = ActivityTask.of(answer.namespace, task)
    answer.known.tasks.put(task.task_token, activity)
    answer.known.activities.put((activity.namespace, activity.workflow, activity.activity), activity)
    return activity


def _did(answer: Answer[Any, Any], activity: ActivityTask, rule: str, *, meter: str) -> None:
    """Something that an attempt of an activity did; the rule is named for a workflow's activity."""
    standalone = not activity.workflow and bool(activity.activity)
    answer.action(
        f"standalone_{rule.removeprefix('activity_')}" if standalone else rule,
        meter=meter,
        subject="activity" if standalone else "workflow",
        owner=activity.activity if standalone else activity.workflow,
        run=activity.run,
        cause=activity.type or "unknown activity",
        step=answer.known.steps.get((activity.namespace, activity.workflow, activity.activity)) or "",
        activity=activity.activity,
        attempt=activity.attempt,
    )


def _poll_activity(answer: Answer[api.PollActivityTaskQueueRequest, api.PollActivityTaskQueueResponse]) -> None:
    if answer.response.task_token:
        activity = _hand_out_activity(answer, answer.response)
        if activity.attempt > 1:
            _did(answer, activity, "activity_retry", meter="activity_retry")


def _heartbeat(answer: Answer[api.RecordActivityTaskHeartbeatRequest, Message]) -> None:
    task = answer.task
    known = task if isinstance(task, ActivityTask) else ActivityTask(answer.namespace, "", "", "", "", 1)
    _did(answer, known, "heartbeat", meter="grpc_RecordActivityTaskHeartbeat")


def _heartbeat_by_id(answer: Answer[api.RecordActivityTaskHeartbeatByIdRequest, Message]) -> None:
    asked = answer.request
    known = answer.known.activities.get((answer.namespace, asked.workflow_id, asked.activity_id))
    if known is None:
        known = ActivityTask(answer.namespace, asked.workflow_id, asked.run_id, asked.activity_id, "", 1)
    _did(answer, known, "heartbeat", meter="grpc_RecordActivityTaskHeartbeatById")


def _start_activity(answer: Answer[api.StartActivityExecutionRequest, api.StartActivityExecutionResponse]) -> None:
    if answer.response.HasField("eager_activity_task"):
        _hand_out_activity(answer, answer.response.eager_activity_task)
    asked = answer.request
    step = static_summary(asked.user_metadata)
    if answer.response.started:
        if step:
            answer.known.steps.put((answer.namespace, "", asked.activity_id), step)
        _standalone(
            answer, "standalone_start", asked.activity_id, answer.response.run_id, asked.activity_type.name, step
        )


def _standalone(answer: Answer[Any, Any], rule: str, activity: str, run: str, cause: str = "", step: str = "") -> None:
    known = answer.known.activities.get((answer.namespace, "", activity))
    answer.action(
        rule,
        subject="activity",
        owner=activity,
        run=run,
        cause=cause or (known.type if known else "") or "unknown activity",
        step=step or answer.known.steps.get((answer.namespace, "", activity)) or "",
        activity=activity,
    )


def _standalone_operation(rule: str) -> Callable[[Answer[Any, Any]], None]:
    def act(answer: Answer[Any, Any]) -> None:
        asked = answer.request
        if not asked.workflow_id:
            _standalone(answer, rule, asked.activity_id, asked.run_id)
        elif rule == "standalone_reset":  # an activity of a workflow is paused, reset, changed for free
            answer.action(
                "activity_reset", owner=asked.workflow_id, run=asked.run_id, cause="reset", activity=asked.activity_id
            )

    return act


def _start_nexus(
    answer: Answer[api.StartNexusOperationExecutionRequest, api.StartNexusOperationExecutionResponse],
) -> None:
    if answer.response.started:
        asked = answer.request
        cause = f"{asked.service}.{asked.operation}"
        answer.action("standalone_nexus", subject="nexus", owner=asked.operation_id, cause=cause)


def _cancel_nexus(answer: Answer[api.RequestCancelNexusOperationExecutionRequest, Message]) -> None:
    cause = "nexus cancellation"
    answer.action("standalone_nexus", subject="nexus", owner=answer.request.operation_id, cause=cause)


def _reset_activity(
    answer: Answer[api.ResetActivityRequest, Message] | Answer[api.UnpauseActivityRequest, Message],
) -> None:
    """Free, but attempts begin at 1 again: the history will show only those since."""
    asked = answer.request
    if isinstance(asked, api.UnpauseActivityRequest) and not asked.reset_attempts:
        return
    execution = asked.execution
    owner, run = execution.workflow_id, execution.run_id
    answer.action("activity_reset", owner=owner, run=run, cause="reset", activity=asked.id)


METHODS: Mapping[str, Method[Any, Any]] = {
    "StartWorkflowExecution": Method(
        api.StartWorkflowExecutionRequest, api.StartWorkflowExecutionResponse, _start, metered=True
    ),
    "ExecuteMultiOperation": Method(
        api.ExecuteMultiOperationRequest,
        api.ExecuteMultiOperationResponse,
        _multi,
        failed=_multi_unstarted,
        metered=True,
    ),
    "SignalWorkflowExecution": Method(
        api.SignalWorkflowExecutionRequest, api.SignalWorkflowExecutionResponse, _signal, metered=True
    ),
    "SignalWithStartWorkflowExecution": Method(
        api.SignalWithStartWorkflowExecutionRequest,
        api.SignalWithStartWorkflowExecutionResponse,
        _signal_with_start,
        metered=True,
    ),
    "QueryWorkflow": Method(
        api.QueryWorkflowRequest, api.QueryWorkflowResponse, _query, failed=_query_failed, metered=True
    ),
    "ResetWorkflowExecution": Method(
        api.ResetWorkflowExecutionRequest, api.ResetWorkflowExecutionResponse, _reset, metered=True
    ),
    "UpdateWorkflowExecutionOptions": Method(
        api.UpdateWorkflowExecutionOptionsRequest, api.UpdateWorkflowExecutionOptionsResponse, _options, metered=True
    ),
    "PauseWorkflowExecution": Method(
        api.PauseWorkflowExecutionRequest, api.PauseWorkflowExecutionResponse, _pause, metered=True
    ),
    "UnpauseWorkflowExecution": Method(
        api.UnpauseWorkflowExecutionRequest, api.UnpauseWorkflowExecutionResponse, _pause, metered=True
    ),
    "CreateSchedule": Method(api.CreateScheduleRequest, api.CreateScheduleResponse, _schedule, metered=True),
    "UpdateSchedule": Method(api.UpdateScheduleRequest, api.UpdateScheduleResponse, _schedule, metered=True),
    "PatchSchedule": Method(api.PatchScheduleRequest, api.PatchScheduleResponse, _schedule, metered=True),
    "DeleteSchedule": Method(api.DeleteScheduleRequest, api.DeleteScheduleResponse, _schedule, metered=True),
    "PollWorkflowTaskQueue": Method(
        api.PollWorkflowTaskQueueRequest,
        api.PollWorkflowTaskQueueResponse,
        _poll_workflow,
        counted=False,
        poll=True,
    ),
    "RespondWorkflowTaskCompleted": Method(
        api.RespondWorkflowTaskCompletedRequest,
        api.RespondWorkflowTaskCompletedResponse,
        _completed,
        by_token=True,
        ends_task=True,
    ),
    "RespondWorkflowTaskFailed": Method(
        api.RespondWorkflowTaskFailedRequest,
        api.RespondWorkflowTaskFailedResponse,
        _nothing,
        counted=False,
        by_token=True,
        ends_task=True,
    ),
    "PollActivityTaskQueue": Method(
        api.PollActivityTaskQueueRequest, api.PollActivityTaskQueueResponse, _poll_activity, poll=True
    ),
    "RecordActivityTaskHeartbeat": Method(
        api.RecordActivityTaskHeartbeatRequest,
        api.RecordActivityTaskHeartbeatResponse,
        _heartbeat,
        by_token=True,
        metered=True,
    ),
    "RecordActivityTaskHeartbeatById": Method(
        api.RecordActivityTaskHeartbeatByIdRequest,
        api.RecordActivityTaskHeartbeatByIdResponse,
        _heartbeat_by_id,
        metered=True,
    ),
    **{
        name: Method(request, response, _nothing, counted=False, by_token=True, ends_task=True)
        for name, request, response in (
            (
                "RespondActivityTaskCompleted",
                api.RespondActivityTaskCompletedRequest,
                api.RespondActivityTaskCompletedResponse,
            ),
            ("RespondActivityTaskFailed", api.RespondActivityTaskFailedRequest, api.RespondActivityTaskFailedResponse),
            (
                "RespondActivityTaskCanceled",
                api.RespondActivityTaskCanceledRequest,
                api.RespondActivityTaskCanceledResponse,
            ),
        )
    },
    "ResetActivity": Method(api.ResetActivityRequest, api.ResetActivityResponse, _reset_activity),
    "UnpauseActivity": Method(api.UnpauseActivityRequest, api.UnpauseActivityResponse, _reset_activity),
    "StartActivityExecution": Method(
        api.StartActivityExecutionRequest, api.StartActivityExecutionResponse, _start_activity
    ),
    "PauseActivityExecution": Method(
        api.PauseActivityExecutionRequest,
        api.PauseActivityExecutionResponse,
        _standalone_operation("standalone_pause"),
    ),
    "ResetActivityExecution": Method(
        api.ResetActivityExecutionRequest,
        api.ResetActivityExecutionResponse,
        _standalone_operation("standalone_reset"),
    ),
    "UpdateActivityExecutionOptions": Method(
        api.UpdateActivityExecutionOptionsRequest,
        api.UpdateActivityExecutionOptionsResponse,
        _standalone_operation("standalone_options"),
    ),
    "StartNexusOperationExecution": Method(
        api.StartNexusOperationExecutionRequest, api.StartNexusOperationExecutionResponse, _start_nexus
    ),
    "RequestCancelNexusOperationExecution": Method(
        api.RequestCancelNexusOperationExecutionRequest,
        api.RequestCancelNexusOperationExecutionResponse,
        _cancel_nexus,
    ),
}
"""Calls whose messages are read: those that may be Actions, and those that hand out or end a task."""
