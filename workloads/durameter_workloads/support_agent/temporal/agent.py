"""What all the agent's workflows share: the turn of one message, approvals, hand-overs and the sub-agent.

Deterministic code only; what talks to the outside is in `activities.py`.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from temporalio import workflow
from temporalio.contrib.workflow_streams import WorkflowStream
from temporalio.exceptions import ApplicationError

from durameter_workloads.support_agent.temporal.calls import (
    Decision,
    ModelCalls,
    SpecialistStart,
    UserMessage,
    call_model,
    run_tool,
    send_reminder,
)

with workflow.unsafe.imports_passed_through():
    from durameter_workloads.support_agent import spec

__all__ = ["Agent", "Specialist"]

_NO_DECISION = "nobody decided in time"


@workflow.defn
class Specialist:
    """The sub-agent: calls the model and its tools until it has an answer."""

    @workflow.run
    async def run(self, start: SpecialistStart) -> str:
        """Work on one case and report."""
        thread = [{"role": "system", "content": spec.SPECIALIST_PROMPT}, {"role": "user", "content": start.topic}]
        for number in range(1, spec.MAX_MODEL_CALLS + 1):
            step = spec.model_step(start.step, number)
            answer = await call_model(start.calls, spec.specialist_name(start.task, start.step), thread, step)
            thread.append(answer.as_message())
            if not answer.tool_calls:
                return answer.content
            results = await asyncio.gather(
                *(
                    run_tool(call, spec.tool_step(step, call.name, index))
                    for index, call in enumerate(answer.tool_calls, 1)
                )
            )
            thread += [spec.tool_message(*pair) for pair in zip(answer.tool_calls, results, strict=True)]
        raise ApplicationError("the specialist found no answer", non_retryable=True)


class Agent:
    """Base of the workflows that take user messages."""

    def __init__(self, task: str, calls: ModelCalls, thread: list[dict[str, Any]] | None = None) -> None:
        self._task = task
        self._calls = calls
        self._thread = thread or [{"role": "system", "content": spec.SYSTEM_PROMPT}]
        self._decisions: dict[str, bool] = {}
        if calls.stream_ms is not None:
            WorkflowStream()  # it registers its handlers with the workflow, which keeps it

    @workflow.signal
    def decide_refund(self, decision: Decision) -> None:
        """A person approves or denies a refund."""
        self._decisions[decision.approval] = decision.approved

    async def take(self, message: UserMessage) -> str:
        """Take one user message through its turn; return the reply."""
        self._thread.append({"role": "user", "content": message.text})
        turn = spec.message_step(message.number)
        for number in range(1, spec.MAX_MODEL_CALLS + 1):
            step = spec.model_step(turn, number)
            answer = await call_model(self._calls, self._task, self._thread, step, streamed=True)
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

    async def remind(self, silent: UserMessage, speaks: Callable[[], bool]) -> None:
        """Remind the user, unless the user speaks before."""
        turn = spec.message_step(silent.number)
        try:
            await workflow.wait_condition(speaks, timeout=silent.remind_after, timeout_summary=spec.reminder_step(turn))
        except TimeoutError:
            await send_reminder(turn)

    async def _use(self, call: spec.ToolRequest, step: str) -> str:
        if call.name == spec.HAND_OVER:
            return await workflow.execute_child_workflow(
                Specialist.run,
                SpecialistStart(self._task, step, str(call.arguments.get("topic", "")), self._calls),
                id=f"{self._task}/{step}",
                static_summary=step,
            )
        if spec.needs_approval(call) and not await self._approved(call, spec.approval_step(step)):
            return _NO_DECISION
        return await run_tool(call, step)

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
