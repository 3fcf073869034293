"""The functions of the app: a run per message or a run per conversation, and the sub-agent."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import inngest

from durameter_workloads.support_agent import spec
from durameter_workloads.support_agent.inngest.agent import Agent
from durameter_workloads.support_agent.inngest.steps import Asked

__all__ = ["conversation_functions", "message_functions"]


@dataclass(frozen=True)
class _Message:
    """One user message, as an event carries it."""

    task: str
    number: int
    """From 1."""
    text: str
    last: bool
    remind_after: float | None
    """Seconds of silence after this turn before the user is reminded."""

    @classmethod
    def of(cls, event: inngest.Event) -> "_Message":
        data = event.data
        remind_after = data.get("remind_after")
        return cls(
            task=str(data["task"]),
            number=int(str(data["message"])),
            text=str(data["text"]),
            last=bool(data["last"]),
            remind_after=None if remind_after is None else float(str(remind_after)),
        )


def message_functions(client: inngest.Inngest, agent: Agent) -> list[inngest.Function[Any]]:
    """A run per user message; the app keeps the thread."""
    specialist = _specialist(client, agent)
    trigger = inngest.TriggerEvent(event=agent.names.message_received)

    @client.create_function(fn_id="message", trigger=trigger, retries=agent.retries)
    async def message(ctx: inngest.Context) -> None:
        """One user message, from its arrival to the reply, and to the reminder if there is one."""
        said = _Message.of(ctx.event)
        turn = spec.message_step(said.number)
        asked = Asked(said.task, lambda: _prompted(agent.steps.threads.history(said.task)), streamed=True)
        thread, reply = await agent.take_turn(ctx, specialist, turn, asked, said.text)
        await ctx.step.run(spec.reply_step(turn), agent.steps.send_reply, said.task, said.number, thread, reply)
        if said.remind_after is not None:
            await ctx.step.sleep(spec.reminder_step(turn), timedelta(seconds=said.remind_after))
            await ctx.step.run(spec.send_reminder_step(turn), agent.steps.send_reminder)

    return [message, specialist]


def conversation_functions(client: inngest.Inngest, agent: Agent) -> list[inngest.Function[Any]]:
    """A run per conversation, which waits for each further message; the thread is in the run."""
    specialist = _specialist(client, agent)
    trigger = inngest.TriggerEvent(event=agent.names.conversation_started)

    @client.create_function(fn_id="conversation", trigger=trigger, retries=agent.retries)
    async def conversation(ctx: inngest.Context) -> None:
        """All messages of one conversation; the first one starts it."""
        said: _Message | None = _Message.of(ctx.event)
        thread: list[dict[str, Any]] = []
        while said is not None:
            turn = spec.message_step(said.number)
            asked = Asked(said.task, partial(_prompted, thread), streamed=True)
            added, reply = await agent.take_turn(ctx, specialist, turn, asked, said.text)
            thread += added
            await ctx.step.run(spec.reply_step(turn), agent.steps.send_reply, said.task, said.number, [], reply)
            said = await _next_message(ctx, agent, said)

    return [conversation, specialist]


async def _next_message(ctx: inngest.Context, agent: Agent, said: _Message) -> _Message | None:
    """What the user says next; None after the last message, or when the user has been silent for too long."""
    turn, following = spec.message_step(said.number), said.number + 1

    async def wait(step: str, seconds: float) -> _Message | None:
        event = await ctx.step.wait_for_event(
            step,
            event=agent.names.message_received,
            if_exp=f"async.data.task == '{said.task}' && async.data.message == {following}",
            timeout=timedelta(seconds=seconds),
        )
        return None if event is None else _Message.of(event)

    if said.remind_after is not None:
        spoken = await wait(spec.reminder_step(turn), said.remind_after)
        if spoken is not None:
            return spoken
        await ctx.step.run(spec.send_reminder_step(turn), agent.steps.send_reminder)
    return None if said.last else await wait(spec.await_step(spec.message_step(following)), spec.SILENCE_SECONDS)


def _prompted(thread: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"role": "system", "content": spec.SYSTEM_PROMPT}, *thread]


def _specialist(client: inngest.Inngest, agent: Agent) -> inngest.Function[str]:
    trigger = inngest.TriggerEvent(event=agent.names.case_handed_over)

    @client.create_function(fn_id="specialist", trigger=trigger, retries=agent.retries)
    async def specialist(ctx: inngest.Context) -> str:
        """The sub-agent."""
        data = ctx.event.data
        return await agent.work_on_case(ctx, str(data["task"]), str(data["step"]), str(data["topic"]))

    return specialist
