"""The agent's worker."""

from collections import Counter
from datetime import timedelta

from temporalio.client import Client
from temporalio.worker import Worker

from durameter_workloads.support_agent.model import Model
from durameter_workloads.support_agent.temporal.activities import agent_activities
from durameter_workloads.support_agent.temporal.agent import Specialist
from durameter_workloads.support_agent.temporal.conversations import (
    OneMessage,
    Reminder,
    SignalledConversation,
    SupportConversation,
)

__all__ = ["agent_worker"]

_STICKY = timedelta(seconds=10)
"""The SDK's default."""


def agent_worker(
    client: Client, task_queue: str, model: Model, flushed: Counter[str], *, sticky_timeout: timedelta = _STICKY
) -> Worker:
    """A worker with all the agent's workflows and activities.

    Args:
        client: of the namespace.
        task_queue: where it polls.
        model: what the activities call.
        flushed: is counted up with each batch of a streamed answer.
        sticky_timeout: how long a workflow task waits for this worker before any other may take it.
    """
    return Worker(
        client,
        task_queue=task_queue,
        workflows=[SupportConversation, SignalledConversation, OneMessage, Reminder, Specialist],
        activities=agent_activities(model, flushed),
        sticky_queue_schedule_to_start_timeout=sticky_timeout,
    )
