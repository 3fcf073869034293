"""Whose work a task token stands for. Servers hand tokens out with tasks; workers give them back with what they did."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from google.protobuf.message import DecodeError
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.protocol.v1 import Message
from temporalio.api.update.v1 import Request
from temporalio.api.workflowservice.v1 import PollActivityTaskQueueResponse, PollWorkflowTaskQueueResponse

__all__ = ["LARGEST", "ActivityTask", "Memory", "WorkflowTask"]

LARGEST = 100_000
"""Tasks that are remembered; then the one that was not used for longest is forgotten. Some 50 MB."""

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

_REQUEST = f"type.googleapis.com/{Request.DESCRIPTOR.full_name}"


@dataclass(slots=True)
class WorkflowTask:
    """A workflow task that a worker got."""

    namespace: str
    workflow: str
    run: str
    type: str = ""
    updates: dict[str, str] = field(default_factory=dict)
    """Updates that came with it: protocol instance → name."""
    marked: bool = False
    """Whether an earlier page of its completion had markers."""

    @classmethod
    def of(cls, namespace: str, task: PollWorkflowTaskQueueResponse) -> "WorkflowTask":
        """From what the server handed out."""
        execution: WorkflowExecution = task.workflow_execution
        updates = {message.protocol_instance_id: _update_name(message) for message in task.messages}
        return cls(namespace, execution.workflow_id, execution.run_id, task.workflow_type.name, updates)


def _update_name(message: Message) -> str:
    if message.body.type_url != _REQUEST:
        return ""
    try:
        return Request.FromString(message.body.value).input.name
    except DecodeError:
        return ""  # only a name; the worker's answer usually repeats it


@dataclass(slots=True)
class ActivityTask:
    """One attempt of an activity that a worker got."""

    namespace: str
    workflow: str
    """Empty for a standalone activity."""
    run: str
    """The workflow's run, or the standalone activity's."""
    activity: str
    type: str
    attempt: int

    @classmethod
    def of(cls, namespace: str, task: PollActivityTaskQueueResponse) -> "ActivityTask":
        """From what the server handed out."""
        execution: WorkflowExecution = task.workflow_execution
        return cls(
            namespace=namespace,
            workflow=execution.workflow_id,
            run=execution.run_id if execution.workflow_id else task.activity_run_id,
            activity=task.activity_id,
            type=task.activity_type.name,
            attempt=max(task.attempt, 1),
        )


class Memory(Generic[Key, Value]):
    """A dictionary with an end: what was used last is kept."""

    def __init__(self, largest: int = LARGEST) -> None:
        self._largest = largest
        self._known: OrderedDict[Key, Value] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def put(self, key: Key, value: Value) -> None:
        """Remember."""
        self._known[key] = value
        self._known.move_to_end(key)
        if len(self._known) > self._largest:
            self._known.popitem(last=False)

    def get(self, key: Key) -> Value | None:
        """Recall, if it is known."""
        found = self._known.get(key)
        if found is not None:
            self._known.move_to_end(key)
        return found

    def forget(self, key: Key) -> None:
        """It will not be needed again."""
        self._known.pop(key, None)
