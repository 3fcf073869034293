"""Orders on Inngest."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import inngest

from durameter import Driver, Implementation, InngestSession, Measured, RunContext, Task, wait_for_runs
from durameter_example import work

PLACED = "shop/order.placed"


class OnInngest(Implementation[InngestSession]):
    """A run per order; a step per item."""

    engine = "inngest"
    variant = "one_by_one"

    def __init__(self, payment_failures: int) -> None:
        self._failures = payment_failures

    @asynccontextmanager
    async def running(self, session: InngestSession, tasks: Sequence[Task], run: RunContext) -> AsyncIterator[Driver]:
        """Serve the app while tasks are driven."""
        client = session.client("shop")

        async def drive(task: Task, measured: Measured) -> None:
            data: dict[str, str | int] = {"order": task.id, "items": int(task.covariates["items"])}
            [event] = await client.send(inngest.Event(name=PLACED, data=data))
            measured.started(event)
            await wait_for_runs(session, event)
            measured.observed = {"payment_failures": self._failures}

        async with session.serve(client, [self._order(client)]):
            yield drive

    def _order(self, client: inngest.Inngest) -> inngest.Function[object]:
        tried: Counter[str] = Counter()

        async def pay(order: str) -> str:
            tried[order] += 1
            if tried[order] <= self._failures:
                # Tried again soon; without it the server waits its usual 10 s and more.
                raise inngest.RetryAfterError(work.PAYMENT_DOWN, timedelta(seconds=1))
            return await work.pay(order)

        @client.create_function(fn_id="order", trigger=inngest.TriggerEvent(event=PLACED))
        async def order(ctx: inngest.Context) -> object:
            name = str(ctx.event.data["order"])
            await ctx.step.run("pay", pay, name)
            for item in range(1, int(str(ctx.event.data["items"])) + 1):
                await ctx.step.run(f"item {item} / pack", work.pack, item)
            return await ctx.step.run("send", work.send, name)

        return order
