"""What a workflow task's completion asks for: its commands and its messages → Actions."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from google.protobuf.message import DecodeError
from temporalio.api.command.v1 import Command
from temporalio.api.enums.v1 import CommandType
from temporalio.api.protocol.v1 import Message
from temporalio.api.update.v1 import Acceptance, Rejection, Request, Response
from temporalio.api.workflowservice.v1 import RespondWorkflowTaskCompletedRequest, RespondWorkflowTaskCompletedResponse

from durameter_collectors.temporal.markers import (
    LOCAL_RETRY_CAP,
    PATCH_ATTRIBUTE,
    PATCH_MARKERS,
    marked,
    rule_of_markers,
    static_summary,
)
from durameter_collectors.temporal.wire.response import Answer
from durameter_collectors.temporal.wire.tasks import WorkflowTask
from durameter_collectors.units import cause_of

__all__ = ["Completion", "completed"]

Completion: TypeAlias = Answer[RespondWorkflowTaskCompletedRequest, RespondWorkflowTaskCompletedResponse]

_FREE = frozenset(
    {
        CommandType.COMMAND_TYPE_REQUEST_CANCEL_ACTIVITY_TASK,
        CommandType.COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION,
        CommandType.COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION,
        CommandType.COMMAND_TYPE_CANCEL_TIMER,
        CommandType.COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION,
        CommandType.COMMAND_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION,
        CommandType.COMMAND_TYPE_PROTOCOL_MESSAGE,
        CommandType.COMMAND_TYPE_RECORD_MARKER,  # all of a task together, see `_markers`
    }
)
"""Commands that cost nothing by themselves. A type that is neither here nor handled below is a problem."""


def completed(completion: Completion) -> None:
    """Everything that one completed workflow task did."""
    request = completion.request
    task = completion.task
    owner = task if isinstance(task, WorkflowTask) else WorkflowTask(completion.namespace, "", "")
    for command in request.commands:
        handler = _HANDLERS.get(command.command_type)
        if handler is not None:
            handler(completion, owner, command)
        elif command.command_type not in _FREE:
            completion.problem(f"no rule knows the command type {_name(command)}")
    _markers(completion, owner)
    for message in request.messages:
        _message(completion, owner, message)
    _local_activities(completion, owner)


def _name(command: Command) -> str:
    if command.command_type in CommandType.values():
        return CommandType.Name(command.command_type).removeprefix("COMMAND_TYPE_")
    return f"number {command.command_type}"


def _activity(completion: Completion, owner: WorkflowTask, command: Command) -> None:
    scheduled = command.schedule_activity_task_command_attributes
    step = static_summary(command.user_metadata)
    if step:  # for its retries and heartbeats
        completion.known.steps.put((completion.namespace, owner.workflow, scheduled.activity_id), step)
    completion.action(
        "activity",
        meter="command_ScheduleActivityTask",
        owner=owner.workflow,
        run=owner.run,
        cause=scheduled.activity_type.name,
        step=step,
        activity=scheduled.activity_id,
    )


def _timer(completion: Completion, owner: WorkflowTask, command: Command) -> None:
    step = static_summary(command.user_metadata)
    completion.action(
        "timer",
        meter="command_StartTimer",
        owner=owner.workflow,
        run=owner.run,
        cause=cause_of(step) if step else "timer",
        step=step,
    )


def _continue_as_new(completion: Completion, owner: WorkflowTask, command: Command) -> None:
    continued = command.continue_as_new_workflow_execution_command_attributes
    completion.action(
        "continue_as_new",
        meter="command_ContinueAsNewWorkflowExecution",
        owner=owner.workflow,
        run=owner.run,
        cause=continued.workflow_type.name or owner.type,  # SDKs leave it empty when it stays the same
    )


def _child(completion: Completion, owner: WorkflowTask, command: Command) -> None:
    child = command.start_child_workflow_execution_command_attributes.workflow_type.name
    step = static_summary(command.user_metadata)
    for rule, meter in (
        ("child_intent", "command_StartChildWorkflowExecution"),
        ("child_start", "command_StartChildWorkflowExecution_Extra"),
    ):
        completion.action(rule, meter=meter, owner=owner.workflow, run=owner.run, cause=child, step=step)


def _signal(completion: Completion, owner: WorkflowTask, command: Command) -> None:
    completion.action(
        "signal_external",
        meter="command_SignalExternalWorkflowExecution",
        owner=owner.workflow,
        run=owner.run,
        cause=command.signal_external_workflow_execution_command_attributes.signal_name,
        step=static_summary(command.user_metadata),
    )


def _upsert(completion: Completion, owner: WorkflowTask, command: Command) -> None:
    fields = command.upsert_workflow_search_attributes_command_attributes.search_attributes.indexed_fields
    completion.action(
        "upsert_by_patch" if set(fields) == {PATCH_ATTRIBUTE} else "upsert_search_attributes",
        meter="command_UpsertWorkflowSearchAttributes",
        owner=owner.workflow,
        run=owner.run,
        cause=", ".join(sorted(fields)) or "search attributes",
    )


def _memo(completion: Completion, owner: WorkflowTask, _command: Command) -> None:
    completion.action(
        "memo_upsert", meter="command_ModifyWorkflowProperties", owner=owner.workflow, run=owner.run, cause="memo"
    )


def _nexus(completion: Completion, owner: WorkflowTask, command: Command) -> None:
    scheduled = command.schedule_nexus_operation_command_attributes
    completion.action(
        "nexus_operation",
        meter="command_ScheduleNexusOperation",
        owner=owner.workflow,
        run=owner.run,
        cause=f"{scheduled.service}.{scheduled.operation}",
        step=static_summary(command.user_metadata),
    )


def _nexus_cancel(completion: Completion, owner: WorkflowTask, _command: Command) -> None:
    completion.action(
        "nexus_cancel",
        meter="command_RequestCancelNexusOperation",
        owner=owner.workflow,
        run=owner.run,
        cause="nexus cancellation",
    )


_HANDLERS: Mapping[int, Callable[[Completion, WorkflowTask, Command], None]] = {
    CommandType.COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK: _activity,
    CommandType.COMMAND_TYPE_START_TIMER: _timer,
    CommandType.COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION: _continue_as_new,
    CommandType.COMMAND_TYPE_START_CHILD_WORKFLOW_EXECUTION: _child,
    CommandType.COMMAND_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION: _signal,
    CommandType.COMMAND_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES: _upsert,
    CommandType.COMMAND_TYPE_MODIFY_WORKFLOW_PROPERTIES: _memo,
    CommandType.COMMAND_TYPE_SCHEDULE_NEXUS_OPERATION: _nexus,
    CommandType.COMMAND_TYPE_REQUEST_CANCEL_NEXUS_OPERATION: _nexus_cancel,
}


def _markers(completion: Completion, owner: WorkflowTask) -> None:
    """All markers of one workflow task are one Action; which rule says so depends on what they mark."""
    commands = completion.request.commands
    markers = [each for each in commands if each.command_type == CommandType.COMMAND_TYPE_RECORD_MARKER]
    if not markers:
        return
    if owner.marked:
        completion.problem("markers in more than one page of a workflow task: they are counted once per page")
    owner.marked = True
    names = [each.record_marker_command_attributes.marker_name for each in markers]
    billed = [each for each, name in zip(markers, names, strict=True) if name not in PATCH_MARKERS]
    completion.action(
        rule_of_markers(names),
        meter="command_BatchMarkers",
        owner=owner.workflow,
        run=owner.run,
        cause=", ".join(dict.fromkeys(_marked(each) for each in billed or markers)),
        step=static_summary(billed[0].user_metadata) if billed else "",
    )


def _marked(command: Command) -> str:
    marker = command.record_marker_command_attributes
    return marked(marker.marker_name, marker.details)


def _type_of(message: Message) -> str:
    return message.body.type_url.removeprefix("type.googleapis.com/")


_FREE_MESSAGES = frozenset({Response.DESCRIPTOR.full_name, Request.DESCRIPTOR.full_name, ""})


def _message(completion: Completion, owner: WorkflowTask, message: Message) -> None:
    """An update's acceptance or rejection; its completion is free."""
    kind = _type_of(message)
    try:
        if kind == Acceptance.DESCRIPTOR.full_name:
            rule, outcome = "update_accepted", "Acceptance"
            named = Acceptance.FromString(message.body.value).accepted_request.input.name
        elif kind == Rejection.DESCRIPTOR.full_name:
            rule, outcome = "update_rejected", "Rejection"
            named = Rejection.FromString(message.body.value).rejected_request.input.name
        elif kind in _FREE_MESSAGES:
            return
        else:
            completion.problem("no rule knows the type of a message of a workflow task")
            return
    except DecodeError:
        completion.problem("a message of a workflow task cannot be decoded")
        return
    completion.action(
        rule,
        meter=f"message_UpdateWorkflowExecution_{outcome}",
        owner=owner.workflow,
        run=owner.run,
        cause=named or owner.updates.get(message.protocol_instance_id, "") or "update",
    )


def _local_activities(completion: Completion, owner: WorkflowTask) -> None:
    """What only Cloud bills, and the open-source server does not meter: long local activities."""
    request = completion.request
    if request.force_create_new_workflow_task:
        completion.action("workflow_task_heartbeat", owner=owner.workflow, run=owner.run, cause="local activity")
    times = min(request.metering_metadata.nonfirst_local_activity_execution_attempts, LOCAL_RETRY_CAP)
    if times:
        completion.action(
            "local_activity_retry", owner=owner.workflow, run=owner.run, cause="local activity", attempt=2, times=times
        )
