"""The reference agent with a client beside it that queries and sends updates which are rejected, many tasks at once."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from expected import expected_units
from measuring import engine_of, kinds, measure_agent, proof_of, states
from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError

from durameter import Implementation
from durameter.config import Config
from durameter_workloads.model_server import Faults
from durameter_workloads.support_agent.options import SupportAgentOptions
from durameter_workloads.support_agent.shape import Conversation
from durameter_workloads.support_agent.shapes import Overlay
from durameter_workloads.support_agent.temporal.calls import ModelCalls, UserMessage
from durameter_workloads.support_agent.temporal.conversations import SupportConversation
from durameter_workloads.support_agent.temporal.driver import UpdateDriver
from durameter_workloads.support_agent.temporal.variants import TemporalVariant

pytestmark = [pytest.mark.servers, pytest.mark.slow]

TASKS, AT_ONCE, SEED = 50, 20, 11
FAULTS = Faults(rate_limited=0.1)
OVERLAY = Overlay(approvals=0.5, hand_overs=0.5, parallel_tools=0.5, reminders=0.5)


class _NoisyDriver(UpdateDriver):
    """Beside each message: two queries and an update that is rejected, by a client with a connection of its own."""

    made: Counter[str]
    """Queries and rejections by task, as the noisy client itself counts them: `TASK queries`, `TASK rejected`."""
    _client: Client | None = None

    async def say(self, handle: WorkflowHandle[Any, Any], message: UserMessage) -> str:
        if message.last:
            await self._noise(handle.id)  # before: the conversation ends with its reply
            return await super().say(handle, message)
        reply, _ = await asyncio.gather(super().say(handle, message), self._noise(handle.id))
        return reply

    def observed(self, task: str) -> dict[str, float]:
        mine = {what: float(self.made[f"{task} {what}"]) for what in ("queries", "rejected")}
        return {**super().observed(task), **mine}

    async def _noise(self, task: str) -> None:
        if self._client is None:
            self._client = await Client.connect(self.session.address, namespace=self.session.client.namespace)
        handle = self._client.get_workflow_handle(task)
        for _ in range(2):
            await handle.query(SupportConversation.heard)
            self.made[f"{task} queries"] += 1
        with pytest.raises(WorkflowUpdateFailedError):
            await handle.execute_update(SupportConversation.message, UserMessage(number=0, text=""))
        self.made[f"{task} rejected"] += 1


def _noisy(options: SupportAgentOptions) -> Implementation[Any]:
    driver = type("Noisy", (_NoisyDriver,), {"made": Counter()})
    calls = ModelCalls(heartbeat_seconds=options.variants.heartbeat_seconds)
    return TemporalVariant("heartbeat", options, driver, calls)


@pytest.mark.timeout(900)
async def test_every_task_is_exact_beside_a_noisy_client(shared_servers: Config, tmp_path: Path) -> None:
    """50 tasks, 20 at once, 429s, heartbeats: per message two queries and one rejected update more."""
    result = await measure_agent(
        shared_servers,
        tmp_path / "result",
        TASKS,
        engines=("temporal",),
        variant=_noisy,
        seed=SEED,
        seconds=600,
        concurrency=AT_ONCE,
        faults=FAULTS.model_dump(),
        overlay=OVERLAY.model_dump(),
    )
    assert set(states(result, "temporal").values()) == {"completed"}
    tasks = engine_of(result, "temporal").tasks
    assert len(tasks) == TASKS
    for task in tasks:
        conversation = Conversation.model_validate(task.shape)
        found = expected_units("temporal", task.task, conversation, faults=FAULTS, seed=SEED, variant="heartbeat")
        messages = len(conversation.messages)
        should = found.documented + Counter(query_workflow=2 * messages, reject_workflow_update=messages)
        counted = {kind: units for kind, (units, _) in kinds(result, "temporal", task.task).items() if units}
        assert counted == dict(should), task.task
        assert (task.observed["queries"], task.observed["rejected"]) == (2 * messages, messages)
        assert task.gaps == ()
    assert proof_of(result, "temporal") == ("agrees", ())
    assert sum(task.observed["model_rate_limited"] for task in tasks) > 0
