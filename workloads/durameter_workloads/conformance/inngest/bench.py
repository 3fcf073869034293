"""What a scenario drives its functions with: an app of its own, event names of its own, and a clock that is patient."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import fastapi
import inngest
import inngest.fast_api
from pydantic import JsonValue

from durameter.engines.inngest.session import InngestSession
from durameter.processes.asgi import serve_app
from durameter_collectors.inngest.api.graphql import ENDED, InngestApiError, Run
from durameter_collectors.inngest.trace import StepRecord, steps_of
from durameter_workloads.conformance.common.judging import SurpriseError, expect
from durameter_workloads.conformance.common.judging import until as until_it_holds
from durameter_workloads.model_server import Faults, ModelServer, ScriptedReply, Scripts, serve_model

__all__ = ["SPEAKER", "Bench", "Handler", "SurpriseError", "bench", "expect", "until"]

Handler = Callable[[inngest.Context], Awaitable[Any]]

SPEAKER = "speaker"
"""The one conversation that a bench's model server knows: an inference names it as its `user`."""

_LOOK_SECONDS = 0.2

_T = TypeVar("_T")


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Ask the server until it holds; a run that is listed before it is stored has no trace yet.

    Raises:
        TimeoutError: it never did.
    """
    await until_it_holds(condition, what, every=_LOOK_SECONDS, forgiving=(InngestApiError,))


class Bench:
    """One scenario's place on a server: app and events are its own, so that many share one server.

    What it enters stays until the scenario has been counted. Nothing it does by itself is billed.
    """

    def __init__(self, session: InngestSession, stack: AsyncExitStack) -> None:
        self.session = session
        self.prefix = f"c{uuid.uuid4().hex[:10]}"
        """Begins the app's id and every event name: two suites on one server do not meet."""
        self.client = session.client(self.prefix)
        self.roots: list[str] = []
        """Ids of the events that the driver sent: whose runs, and all that come of them, are counted."""
        self._stack = stack
        self._begun = datetime.now(UTC)

    async def enter(self, context: AbstractAsyncContextManager[_T]) -> _T:
        """Enter something that is left once the scenario has been counted."""
        return await self._stack.enter_async_context(context)

    def event(self, name: str) -> str:
        """The event name that a scenario's own name stands for."""
        return f"{self.prefix}/{name}"

    def on(self, name: str, *, expression: str | None = None) -> inngest.TriggerEvent:
        """A trigger by that event."""
        return inngest.TriggerEvent(event=self.event(name), expression=expression)

    def function(self, handler: Handler, *, fn_id: str = "main", **options: Any) -> inngest.Function[Any]:
        """A function of this app, triggered by the event that is named like it unless a trigger is given.

        Args:
            handler: what it does.
            fn_id: its id within the app.
            options: of the SDK's `create_function`. `retries` is 2 unless given: three attempts.
        """
        settings: dict[str, Any] = {"trigger": self.on(fn_id), "retries": 2} | options
        return self.client.create_function(fn_id=fn_id, **settings)(handler)

    async def serve(self, *functions: inngest.Function[Any]) -> None:
        """Serve these functions until the scenario has been counted."""
        await self.enter(self.session.serve(self.client, list(functions)))

    async def serve_streamed(self, *functions: inngest.Function[Any]) -> None:
        """As `serve`, by an app that streams its replies."""
        app = fastapi.FastAPI()
        port = await self.enter(serve_app(app))
        origin = await self.session.before_app(f"127.0.0.1:{port}")
        streaming = inngest.Streaming.FORCE
        inngest.fast_api.serve(app, self.client, list(functions), serve_origin=origin, streaming=streaming)
        await self.session.register(self.client.app_id, f"{origin}/api/inngest")

    async def model(self, faults: Faults | None = None) -> str:
        """A real model server with one conversation, `SPEAKER`, of one reply. Returns its base URL."""
        scripts = Scripts(replies={SPEAKER: (ScriptedReply(content="good"),)})
        server = ModelServer(scripts=scripts, latency_ms=5, faults=faults or Faults())
        url, _log = await self.enter(serve_model(server))
        return url

    async def send(
        self, *names: str, data: Mapping[str, JsonValue] | None = None, event_id: str = "", root: bool = True
    ) -> list[str]:
        """Send one event per name, all in one request.

        Args:
            names: as given to `event`.
            data: of each of them.
            event_id: an id for all of them, by which the server tells repetitions.
            root: whether their runs are the scenario's; not for events that runs wait for or are cancelled by.

        Returns:
            The server's ids of the events.
        """
        events = [inngest.Event(name=self.event(name), data=data or {}, id=event_id) for name in names]
        ids = await self.client.send(events)
        if root:
            self.roots += ids
        return ids

    async def runs(self) -> list[Run]:
        """Runs that the roots started so far."""
        found = [await self.session.api.runs_of_event(event) for event in dict.fromkeys(self.roots)]
        return list({run.id: run for runs in found for run in runs}.values())

    async def until_runs(self, number: int, *, statuses: Sequence[str] = ()) -> list[Run]:
        """Wait until so many runs are in one of these statuses, or, without statuses, are there."""
        seen: list[Run] = []

        async def there() -> bool:
            seen[:] = [run for run in await self.runs() if not statuses or run.status in statuses]
            return len(seen) >= number

        await until(there, f"{number} runs {' or '.join(statuses)}")
        return seen

    async def until_ended(self, number: int = 1) -> list[Run]:
        """Wait until at least so many runs were started by the roots, and all of them have ended."""
        seen: list[Run] = []

        async def ended() -> bool:
            seen[:] = await self.runs()
            return len(seen) >= number and all(run.status in ENDED for run in seen)

        await until(ended, f"the end of {number} runs")
        return seen

    async def until_listed(self, fn_id: str) -> Run:
        """Wait until the server lists a run of a function that no event of the driver started, and give the first."""
        seen: list[Run] = []
        slug = f"{self.prefix}-{fn_id}"

        async def there() -> bool:
            seen[:] = [run async for run in self.session.api.runs_since(self._begun) if run.function.slug == slug]
            return bool(seen)

        await until(there, f"a run of {fn_id}")
        return seen[0]

    async def adopt(self, fn_id: str) -> None:
        """Take the first run of a function that no event of the driver started: its events become roots."""
        self.roots += (await self.until_listed(fn_id)).trigger_ids

    async def steps(self, run: str) -> list[StepRecord]:
        """Steps of a run, as the trace shows them now."""
        return steps_of(await self.session.api.trace(run))

    async def until_step(self, run: str, op: str) -> None:
        """Wait until a run shows a step of that operation, such as `WAIT_FOR_EVENT` or `SLEEP`."""

        async def there() -> bool:
            return any(step.op == op for step in await self.steps(run))

        await until(there, f"a step {op}")

    async def whole_life(self, *, status: str = "COMPLETED") -> None:
        """Send the event `main`, and see the run that it starts end so."""
        await self.send("main")
        expect({run.status for run in await self.until_ended()}, {status})


@asynccontextmanager
async def bench(session: InngestSession) -> AsyncIterator[Bench]:
    """A bench whose apps are served until it is left."""
    async with AsyncExitStack() as stack:
        yield Bench(session, stack)
