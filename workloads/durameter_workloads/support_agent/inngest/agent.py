"""What a turn is made of: the model and its tools until there is a reply, approvals and hand-overs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import inngest

from durameter_workloads.support_agent import spec
from durameter_workloads.support_agent.inngest.calls import ModelCalls
from durameter_workloads.support_agent.inngest.names import Names
from durameter_workloads.support_agent.inngest.steps import AgentSteps, Asked

__all__ = ["Agent"]

_NO_DECISION = "nobody decided in time"


@dataclass(frozen=True)
class Agent:
    """What all the functions share."""

    names: Names
    steps: AgentSteps
    calls: ModelCalls
    parallel_tools: bool = True
    """Several tools of one model call are a parallel group; else they run one after the other."""
    retries: int = spec.MAX_ATTEMPTS - 1
    """Of each step, and of the function itself."""

    async def take_turn(
        self, ctx: inngest.Context, specialist: inngest.Function[str], turn: str, asked: Asked, text: str
    ) -> tuple[list[dict[str, Any]], str]:
        """The model and its tools until there is a reply.

        Returns:
            What enters the thread, the user's message first, and the reply.
        """
        thread: list[dict[str, Any]] = [{"role": "user", "content": text}]
        for number in range(1, spec.MAX_MODEL_CALLS + 1):
            step = spec.model_step(turn, number)
            found = await self.calls.ask(ctx, step, asked, thread)
            answer = found.answer
            thread.append(answer.as_message())
            if not answer.tool_calls:
                return thread, answer.content
            if found.results is not None:
                results = found.results
            elif any(spec.is_special(call) for call in answer.tool_calls):
                results = await self._use_special(ctx, specialist, (asked.user, step), answer)
            else:
                results = await self._use_all(ctx, answer, step)
            thread += [spec.tool_message(*pair) for pair in zip(answer.tool_calls, results, strict=True)]
            if any(call.name == spec.LAST_TOOL for call in answer.tool_calls):
                return thread, spec.TRANSFERRED
        raise inngest.NonRetriableError("the agent found no answer")

    async def work_on_case(self, ctx: inngest.Context, task: str, hand_over: str, topic: str) -> str:
        """The sub-agent: the model and its tools until there is an answer."""
        before = [{"role": "system", "content": spec.SPECIALIST_PROMPT}, {"role": "user", "content": topic}]
        asked = Asked(spec.specialist_name(task, hand_over), lambda: before)
        thread: list[dict[str, Any]] = []
        for number in range(1, spec.MAX_MODEL_CALLS + 1):
            step = spec.model_step(hand_over, number)
            found = await self.calls.ask(ctx, step, asked, thread)
            answer = found.answer
            thread.append(answer.as_message())
            if not answer.tool_calls:
                return answer.content
            results = found.results if found.results is not None else await self._use_all(ctx, answer, step)
            thread += [spec.tool_message(*pair) for pair in zip(answer.tool_calls, results, strict=True)]
        raise inngest.NonRetriableError("the specialist found no answer")

    async def _use_all(self, ctx: inngest.Context, answer: spec.AssistantTurn, step: str) -> list[str]:
        """All tools of one model call: one as a step, several as a parallel group or one after the other."""

        def use(index: int, call: spec.ToolRequest) -> Callable[[], Any]:
            name = spec.tool_step(step, call.name, index)
            return lambda: ctx.step.run(name, self.steps.run_tool, call.name, call.arguments)

        uses = tuple(use(index, call) for index, call in enumerate(answer.tool_calls, 1))
        if self.parallel_tools and len(uses) > 1:
            return [str(result) for result in await ctx.group.parallel(uses)]
        return [str(await each()) for each in uses]

    async def _use_special(
        self,
        ctx: inngest.Context,
        specialist: inngest.Function[str],
        where: tuple[str, str],
        answer: spec.AssistantTurn,
    ) -> list[str]:
        """Tools of a model call that asks for an approval or a hand-over: one after the other."""
        task, step = where
        results: list[str] = []
        for index, call in enumerate(answer.tool_calls, 1):
            tool = spec.tool_step(step, call.name, index)
            if call.name == spec.HAND_OVER:
                case = {"task": task, "step": tool, "topic": str(call.arguments.get("topic", ""))}
                result = await ctx.step.invoke(tool, function=specialist, data=case)
            elif spec.needs_approval(call) and not await self._approved(ctx, task, tool, call):
                result = _NO_DECISION
            else:
                result = await ctx.step.run(tool, self.steps.run_tool, call.name, call.arguments)
            results.append(str(result))
        return results

    async def _approved(self, ctx: inngest.Context, task: str, tool: str, call: spec.ToolRequest) -> bool:
        step = spec.approval_step(tool)
        decided = await ctx.step.wait_for_event(
            step,
            event=self.names.refund_decided,
            if_exp=f"async.data.approval == '{task} / {step}'",
            timeout=timedelta(seconds=float(call.arguments.get("valid_seconds", spec.APPROVAL_SECONDS))),
        )
        return decided is not None and bool(decided.data["approved"])
