"""The agent as Temporal workflows: one per conversation, each message an Update that returns the reply.

Deterministic code only; what talks to the outside is in activities (`temporal.py`).
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from durameter_workloads.support_agent import spec

__all__ = ["Decision", "ModelRequest", "Specialist", "SpecialistStart", "SupportConversation", "UserMessage"]

RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=spec.FIRST_RETRY_SECONDS),
    backoff_coefficient=2.0,
    maximum_attempts=spec.MAX_ATTEMPTS,
)
_MODEL_TIMEOUT = timedelta(seconds=150)
_TOOL_TIMEOUT = timedelta(seconds=30)
_NO_DECISION = "nobody decided in time"


@dataclass
class UserMessage:
    """What the user wrote."""

    number: int
    """From 1."""
    text: str
    last: bool = False
    """The conversation ends after this turn."""
    remind_after: float | None = None
    """Seconds of silence after this turn before the user is reminded."""


@dataclass
class Decision:
    """What a person says about a refund."""

    approval: str
    """The step that waits."""
    approved: bool


@dataclass
class ModelRequest:
    """One call of the model."""

    user: str
    messages: list[dict[str, Any]]


@dataclass
class SpecialistStart:
    """A case that is handed over."""

    task: str
    step: str
    """The hand-over's step, under which the sub-agent's own steps stand."""
    topic: str


async def _call_model(user: str, messages: list[dict[str, Any]], step: str) -> spec.AssistantTurn:
    answer: spec.AssistantTurn = await workflow.execute_activity(
        "call_model",
        ModelRequest(user, messages),
        result_type=spec.AssistantTurn,
        start_to_close_timeout=_MODEL_TIMEOUT,
        retry_policy=RETRY,
        summary=step,
    )
    return answer


async def _run_tool(call: spec.ToolRequest, step: str) -> str:
    result: str = await workflow.execute_activity(
        call.name,
        call.arguments,
        result_type=str,
        start_to_close_timeout=_TOOL_TIMEOUT,
        retry_policy=RETRY,
        summary=step,
    )
    return result


@workflow.defn
class Specialist:
    """The sub-agent: calls the model and its tools until it has an answer."""

    @workflow.run
    async def run(self, start: SpecialistStart) -> str:
        """Work on one case and report."""
        thread = [{"role": "system", "content": spec.SPECIALIST_PROMPT}, {"role": "user", "content": start.topic}]
        for number in range(1, spec.MAX_MODEL_CALLS + 1):
            step = spec.model_step(start.step, number)
            answer = await _call_model(spec.specialist_name(start.task, start.step), thread, step)
            thread.append(answer.as_message())
            if not answer.tool_calls:
                return answer.content
            results = await asyncio.gather(
                *(
                    _run_tool(call, spec.tool_step(step, call.name, index))
                    for index, call in enumerate(answer.tool_calls, 1)
                )
            )
            thread += [spec.tool_message(*pair) for pair in zip(answer.tool_calls, results, strict=True)]
        raise ApplicationError("the specialist found no answer", non_retryable=True)


@workflow.defn
class SupportConversation:
    """One conversation, from the first message to the last reply."""

    def __init__(self) -> None:
        self._thread: list[dict[str, Any]] = [{"role": "system", "content": spec.SYSTEM_PROMPT}]
        self._decisions: dict[str, bool] = {}
        self._heard = 0
        self._over = False
        self._silent_after: UserMessage | None = None

    @workflow.run
    async def run(self) -> int:
        """Wait for messages, remind a silent user, and return the number of messages after the last reply."""
        while not self._over:
            await workflow.wait_condition(lambda: self._over or self._silent_after is not None)
            if self._silent_after is not None:
                silent, self._silent_after = self._silent_after, None
                await self._remind(silent)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self._heard

    async def _remind(self, silent: UserMessage) -> None:
        turn = spec.message_step(silent.number)
        try:
            await workflow.wait_condition(
                lambda: self._heard > silent.number,
                timeout=silent.remind_after,
                timeout_summary=spec.reminder_step(turn),
            )
        except TimeoutError:
            await workflow.execute_activity(
                "send_reminder",
                start_to_close_timeout=_TOOL_TIMEOUT,
                retry_policy=RETRY,
                summary=spec.send_reminder_step(turn),
            )

    @workflow.update
    async def message(self, message: UserMessage) -> str:
        """Take one user message through its turn; return the reply."""
        self._heard = message.number
        self._thread.append({"role": "user", "content": message.text})
        reply = await self._turn(spec.message_step(message.number))
        self._over = message.last
        if message.remind_after is not None:
            self._silent_after = message
        return reply

    @workflow.signal
    def decide_refund(self, decision: Decision) -> None:
        """A person approves or denies a refund."""
        self._decisions[decision.approval] = decision.approved

    async def _turn(self, turn: str) -> str:
        for number in range(1, spec.MAX_MODEL_CALLS + 1):
            step = spec.model_step(turn, number)
            answer = await _call_model(workflow.info().workflow_id, self._thread, step)
            self._thread.append(answer.as_message())
            if not answer.tool_calls:
                return answer.content
            results = await asyncio.gather(
                *(
                    self._use(call, spec.tool_step(step, call.name, index))
                    for index, call in enumerate(answer.tool_calls, 1)
                )
            )
            self._thread += [spec.tool_message(*pair) for pair in zip(answer.tool_calls, results, strict=True)]
            if any(call.name == spec.LAST_TOOL for call in answer.tool_calls):
                return spec.TRANSFERRED
        raise ApplicationError("the agent found no answer", non_retryable=True)

    async def _use(self, call: spec.ToolRequest, step: str) -> str:
        if call.name == spec.HAND_OVER:
            task = workflow.info().workflow_id
            return await workflow.execute_child_workflow(
                Specialist.run,
                SpecialistStart(task, step, str(call.arguments.get("topic", ""))),
                id=f"{task}/{step}",
                static_summary=step,
            )
        if spec.needs_approval(call) and not await self._approved(call, spec.approval_step(step)):
            return _NO_DECISION
        return await _run_tool(call, step)

    async def _approved(self, call: spec.ToolRequest, approval: str) -> bool:
        try:
            await workflow.wait_condition(
                lambda: approval in self._decisions,
                timeout=float(call.arguments.get("valid_seconds", spec.APPROVAL_SECONDS)),
                timeout_summary=approval,
            )
        except TimeoutError:
            return False
        return self._decisions[approval]
