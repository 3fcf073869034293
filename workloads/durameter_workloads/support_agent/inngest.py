"""The agent on Inngest, variant `run_per_message`: functions, the app's memory, and the driver that plays the user."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import inngest

from durameter import Driver, Implementation, InngestSession, Measured, RunContext, Task, TaskFailedError
from durameter_collectors.inngest.graphql import ENDED
from durameter_collectors.inngest.trace import steps_of
from durameter_workloads.support_agent import spec
from durameter_workloads.support_agent.model import Model, ModelCallError
from durameter_workloads.support_agent.options import SupportAgentOptions
from durameter_workloads.support_agent.provider import Decisions, Provider, serve_provider
from durameter_workloads.support_agent.shape import Conversation, Message
from durameter_workloads.support_agent.threads import Threads
from durameter_workloads.support_agent.tools import filler, run_tool
from durameter_workloads.support_agent.waiting import alongside

__all__ = ["RunPerMessage"]

APP = "durameter-support-agent"
MESSAGE_RECEIVED = "support/message.received"
REFUND_DECIDED = "support/refund.decided"

_Data = dict[str, str | int | float | None]

_LOOK_SECONDS = 0.2
"""How often the driver looks at a run while it waits. Reading is free."""
_WATCH_SECONDS = 2.0
"""How often it looks whether a run has failed, while it waits for the reply that nearly always comes."""
_NO_DECISION = "nobody decided in time"


class RunPerMessage(Implementation[InngestSession]):
    """One function run per user message; the app keeps the thread's history, and the reply leaves by a step."""

    engine = "inngest"
    variant = "run_per_message"

    def __init__(self, options: SupportAgentOptions) -> None:
        self._options = options

    @asynccontextmanager
    async def running(self, session: InngestSession, tasks: Sequence[Task], run: RunContext) -> AsyncIterator[Driver]:
        """Serve the app and the model server."""
        threads = Threads()
        client = session.client(APP)
        async with (
            serve_provider(self._options, tasks, run.folder, seed=run.seed) as provider,
            session.serve(client, _functions(client, _Agent(provider.model, threads))),
        ):
            yield _Driver(session, client, threads, provider, self._options).drive


@dataclass(frozen=True)
class _Agent:
    """What the steps do."""

    model: Model
    threads: Threads

    async def call_model(self, user: str, messages: list[dict[str, Any]]) -> dict[str, Any]:
        """One model call; the provider's Retry-After becomes Inngest's."""
        try:
            return asdict(await self.model.call(user, messages))
        except ModelCallError as error:
            if error.retry_after is None:
                raise
            raise inngest.RetryAfterError(str(error), timedelta(seconds=error.retry_after), quiet=True) from error

    async def call_model_in_thread(self, task: str, text: str, turn: list[dict[str, Any]]) -> dict[str, Any]:
        """One model call with the history that the app keeps."""
        before = [{"role": "system", "content": spec.SYSTEM_PROMPT}, *self.threads.history(task)]
        return await self.call_model(task, [*before, {"role": "user", "content": text}, *turn])

    async def run_tool(self, name: str, arguments: dict[str, Any]) -> str:
        """One tool call."""
        return run_tool(name, arguments)

    async def send_reply(self, task: str, message: int, turn: list[dict[str, Any]], reply: str) -> None:
        """The turn enters the history and the reply leaves."""
        self.threads.append(task, message, turn, reply)

    async def send_reminder(self) -> None:
        """Would send a mail."""


def _functions(client: inngest.Inngest, agent: _Agent) -> list[inngest.Function[Any]]:
    """The two functions of the app."""
    retries = spec.MAX_ATTEMPTS - 1

    @client.create_function(
        fn_id="specialist", trigger=inngest.TriggerEvent(event="support/case.handed_over"), retries=retries
    )
    async def specialist(ctx: inngest.Context) -> str:
        """The sub-agent: calls the model and its tools until it has an answer."""
        task, hand_over = str(ctx.event.data["task"]), str(ctx.event.data["step"])
        thread: list[dict[str, Any]] = [
            {"role": "system", "content": spec.SPECIALIST_PROMPT},
            {"role": "user", "content": str(ctx.event.data["topic"])},
        ]
        for number in range(1, spec.MAX_MODEL_CALLS + 1):
            step = spec.model_step(hand_over, number)
            answer = _answer(await ctx.step.run(step, agent.call_model, spec.specialist_name(task, hand_over), thread))
            thread.append(answer.as_message())
            if not answer.tool_calls:
                return answer.content
            thread += await _use_all(ctx, agent, answer, step)
        raise inngest.NonRetriableError("the specialist found no answer")

    @client.create_function(fn_id="message", trigger=inngest.TriggerEvent(event=MESSAGE_RECEIVED), retries=retries)
    async def message(ctx: inngest.Context) -> None:
        """One user message, from its arrival to the reply, and to the reminder if there is one."""
        data = ctx.event.data
        task, number, text = str(data["task"]), int(str(data["message"])), str(data["text"])
        turn = spec.message_step(number)
        thread, reply = await _turn(ctx, agent, specialist, (task, turn, text))
        thread = [{"role": "user", "content": text}, *thread]
        await ctx.step.run(spec.reply_step(turn), agent.send_reply, task, number, thread, reply)
        if data.get("remind_after") is not None:
            await ctx.step.sleep(spec.reminder_step(turn), timedelta(seconds=float(str(data["remind_after"]))))
            await ctx.step.run(spec.send_reminder_step(turn), agent.send_reminder)

    return [message, specialist]


async def _turn(
    ctx: inngest.Context, agent: _Agent, specialist: inngest.Function[str], about: tuple[str, str, str]
) -> tuple[list[dict[str, Any]], str]:
    """The model and its tools until there is a reply. Returns what enters the thread, and the reply."""
    task, turn, text = about
    thread: list[dict[str, Any]] = []
    for number in range(1, spec.MAX_MODEL_CALLS + 1):
        step = spec.model_step(turn, number)
        answer = _answer(await ctx.step.run(step, agent.call_model_in_thread, task, text, thread))
        thread.append(answer.as_message())
        if not answer.tool_calls:
            return thread, answer.content
        special = [call for call in answer.tool_calls if call.name == spec.HAND_OVER or spec.needs_approval(call)]
        if special:
            thread += await _use_special(ctx, agent, specialist, (task, step), answer)
        else:
            thread += await _use_all(ctx, agent, answer, step)
        if any(call.name == spec.LAST_TOOL for call in answer.tool_calls):
            return thread, spec.TRANSFERRED
    raise inngest.NonRetriableError("the agent found no answer")


async def _use_all(ctx: inngest.Context, agent: _Agent, answer: spec.AssistantTurn, step: str) -> list[dict[str, Any]]:
    """All tools of one model call: one as a step, several as a parallel group."""

    def use(index: int, call: spec.ToolRequest) -> Callable[[], Any]:
        return lambda: ctx.step.run(spec.tool_step(step, call.name, index), agent.run_tool, call.name, call.arguments)

    uses = [use(index, call) for index, call in enumerate(answer.tool_calls, 1)]
    results = [await uses[0]()] if len(uses) == 1 else await ctx.group.parallel(tuple(uses))
    return [spec.tool_message(call, str(result)) for call, result in zip(answer.tool_calls, results, strict=True)]


async def _use_special(
    ctx: inngest.Context,
    agent: _Agent,
    specialist: inngest.Function[str],
    where: tuple[str, str],
    answer: spec.AssistantTurn,
) -> list[dict[str, Any]]:
    """Tools of a model call that asks for an approval or a hand-over: one after the other."""
    task, step = where
    results: list[dict[str, Any]] = []
    for index, call in enumerate(answer.tool_calls, 1):
        tool = spec.tool_step(step, call.name, index)
        if call.name == spec.HAND_OVER:
            case = {"task": task, "step": tool, "topic": str(call.arguments.get("topic", ""))}
            result = await ctx.step.invoke(tool, function=specialist, data=case)
        elif spec.needs_approval(call) and not await _approved(ctx, task, tool, call):
            result = _NO_DECISION
        else:
            result = await ctx.step.run(tool, agent.run_tool, call.name, call.arguments)
        results.append(spec.tool_message(call, str(result)))
    return results


async def _approved(ctx: inngest.Context, task: str, tool: str, call: spec.ToolRequest) -> bool:
    step = spec.approval_step(tool)
    decided = await ctx.step.wait_for_event(
        step,
        event=REFUND_DECIDED,
        if_exp=f"async.data.approval == '{task} / {step}'",
        timeout=timedelta(seconds=float(call.arguments.get("valid_seconds", spec.APPROVAL_SECONDS))),
    )
    return decided is not None and bool(decided.data["approved"])


def _answer(raw: Mapping[str, Any]) -> spec.AssistantTurn:
    """A step's result, which travelled as JSON."""
    return spec.AssistantTurn(raw["content"], [spec.ToolRequest(**call) for call in raw["tool_calls"]])


class _Driver:
    """Plays the user and the person who decides on refunds. Sends events and reads GraphQL, which is free."""

    def __init__(
        self,
        session: InngestSession,
        client: inngest.Inngest,
        threads: Threads,
        provider: Provider,
        options: SupportAgentOptions,
    ) -> None:
        self._api = session.api
        self._client = client
        self._threads = threads
        self._provider = provider
        self._options = options

    async def drive(self, task: Task, measured: Measured) -> None:
        """One conversation."""
        conversation = Conversation.model_validate(task.shape)
        try:
            for number, message in enumerate(conversation.messages, 1):
                event = await self._send(task.id, number, message, measured)
                await self._until_answered(task.id, number, message, event)
                if message.reminder or number == len(conversation.messages):
                    await self._until_ended(event)
        finally:
            measured.observed = self._provider.observed(task.id)

    async def _send(self, task: str, number: int, message: Message, measured: Measured) -> str:
        data: _Data = {
            "task": task,
            "message": number,
            "text": filler(message.chars),
            "remind_after": self._options.reminder_seconds if message.reminder else None,
        }
        [event] = await self._client.send(inngest.Event(name=MESSAGE_RECEIVED, data=data))
        measured.started(event)
        return event

    async def _until_answered(self, task: str, number: int, message: Message, event: str) -> None:
        await alongside(
            alongside(self._threads.replied(task, number), self._until_failed(event)),
            self._decide(task, event, self._provider.decisions(number, message)),
        )

    async def _until_failed(self, event: str) -> None:
        """Watch the run: a reply leaves before its run ends, so a run that has ended without one has failed."""
        await self._until_ended(event, every=_WATCH_SECONDS)
        raise TaskFailedError("the run ended without a reply")

    async def _until_ended(self, event: str, *, every: float = _LOOK_SECONDS) -> None:
        while True:
            runs = await self._api.runs_of_event(event)
            for run in runs:
                if run.status in ("FAILED", "CANCELLED"):
                    raise TaskFailedError(f"run {run.id} of {run.function.slug} is {run.status.lower()}")
            if runs and all(run.status in ENDED for run in runs):
                return
            await asyncio.sleep(every)

    async def _decide(self, task: str, event: str, decisions: Decisions) -> None:
        """Decide on each refund once the run is seen to wait: an event sent before is lost."""
        done: set[str] = set()
        while decisions.expected:
            for run in await self._api.runs_of_event(event):
                for step in steps_of(await self._api.trace(run.id)):
                    decision = decisions.on(step.name) if step.op == "WAIT_FOR_EVENT" else None
                    if decision is None or step.name in done:
                        continue
                    done.add(step.name)
                    if decision != "timed_out":
                        data: _Data = {"approval": f"{task} / {step.name}", "approved": decision == "approved"}
                        await self._client.send(inngest.Event(name=REFUND_DECIDED, data=data))
            await asyncio.sleep(_LOOK_SECONDS)
