"""One measurement on a reached Inngest server: serve functions, count tasks, hold the sources against each other."""

import gzip
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import fastapi
import httpx
import inngest
import inngest.fast_api

from durameter.config import InngestConfig
from durameter.engines.base import ServerInfo, Session, TaskCount
from durameter.engines.inngest.apps import make_way
from durameter.engines.process import GuardedProcess
from durameter.errors import EngineMissingError
from durameter.reconcile import Reconciliation, against_runs, state_of
from durameter.web import serve_app
from durameter_collectors.inngest.graphql import InngestApi, InngestApiError, RunTrace
from durameter_collectors.inngest.replies import (
    Reply,
    ReplyRecorder,
    RunReplies,
    counts_in_replies,
    runs_in_replies,
)
from durameter_collectors.inngest.runs import cancel_runs, count_runs
from durameter_collectors.units import Elsewhere, TaskLabel, Unit, nowhere

__all__ = ["InngestSession"]

_SETTLE_PATIENCE = 20.0
_BLIND_SPOTS = (
    "a step whose attempts all failed with RetryAfterError or NonRetriableError (Python SDK) has no step id anywhere",
    "attempts that the server makes by itself (step.ai, step.fetch) are seen by the trace only",
)
"""What neither the trace nor the replies can see."""

_log = logging.getLogger(__name__)


class InngestSession(Session):
    """What an Inngest implementation gets: clients for this server, and a way to serve functions to it."""

    def __init__(
        self,
        config: InngestConfig,
        info: ServerInfo,
        *,
        http: httpx.AsyncClient,
        folder: Path,
        process: GuardedProcess | None,
    ) -> None:
        self.info = info
        self.api = InngestApi(http, info.address)
        """The server's GraphQL API: free to read."""
        self._config = config
        self._http = http
        self._process = process
        self._replies_file = folder / "replies.jsonl"
        self._replies: list[Reply] = []
        self._records: dict[str, RunTrace] = {}
        self._apps: list[str] = []
        self._ports: set[int] = set()
        self._begun = datetime.now(UTC) - timedelta(seconds=1)

    def client(self, app_id: str) -> inngest.Inngest:
        """An SDK client that talks to this server."""
        address = self.info.address
        return inngest.Inngest(
            app_id=app_id,
            is_production=False,
            event_api_base_url=address,
            api_base_url=address,
            logger=logging.getLogger("inngest"),
        )

    @asynccontextmanager
    async def serve(self, client: inngest.Inngest, functions: Sequence[inngest.Function[object]]) -> AsyncIterator[str]:
        """Serve functions as a FastAPI app on uvicorn, recorded, and register them with the server.

        Yields:
            The URL of the app.

        Raises:
            EngineMissingError: the server refused the app, or somebody else is serving it.
        """
        if self._process is None:
            await make_way(
                client.app_id,
                self.info.address,
                config=self._config,
                http=self._http,
                now=self._begun,
                own_ports=self._ports,
            )
        app = fastapi.FastAPI()
        self._apps.append(client.app_id)
        # The origin is known only once the port is bound, hence the routes are added then.
        async with serve_app(ReplyRecorder(app, self._keep), host=self._config.app_bind) as port:
            self._ports.add(port)
            origin = f"http://{self._config.app_host}:{port}"
            inngest.fast_api.serve(app, client, list(functions), serve_origin=origin)
            local = f"http://{self._config.app_bind}:{port}/api/inngest"
            answer = await self._http.put(local)
            if answer.is_error:
                raise EngineMissingError(
                    f"The Inngest server at {self.info.address} did not take the app {client.app_id} at {origin}: "
                    f"{answer.text}. Can it reach this machine? DURAMETER_INNGEST_APP_HOST names it as it sees it."
                )
            yield f"{origin}/api/inngest"

    def _keep(self, reply: Reply) -> None:
        self._replies.append(reply)
        with self._replies_file.open("a") as file:
            file.write(reply.model_dump_json() + "\n")

    async def died(self) -> str:
        """Waits for the server's process, if it is ours."""
        return await self._process.died() if self._process else await super().died()

    async def abandon(self, roots: Sequence[str]) -> None:
        """Cancel the runs of these events and what they invoked."""
        try:
            await cancel_runs(self.api, roots)
        except InngestApiError as error:
            _log.warning("A run that is out of time could not be cancelled: %s", error)

    async def count(
        self,
        roots: Sequence[str],
        label: TaskLabel,
        *,
        elsewhere: Elsewhere = nowhere,  # noqa: ARG002 - no trace leads to a run of another task
    ) -> TaskCount:
        """Traces of all runs that descend from these events."""
        runs, gaps = await count_runs(self.api, roots, label=label, patience=_SETTLE_PATIENCE)
        self._records |= {run.record.id: run.record for run in runs}
        return TaskCount(
            units=[unit for run in runs for unit in run.count.units],
            gaps=gaps,
            runs=[run.record.id for run in runs],
            records={
                f"{run.record.id}.json.gz": gzip.compress(run.record.model_dump_json(by_alias=True).encode(), mtime=0)
                for run in runs
            },
        )

    async def reconcile(self, units: Sequence[Unit]) -> tuple[Reconciliation, ...]:
        """Traces against what the app answered, run by run and kind by kind."""
        runs = runs_in_replies(self._replies)
        in_time = runs_in_replies(reply for reply in self._replies if not self._after_end(reply))
        counts, taken = counts_in_replies(runs), counts_in_replies(in_time)
        late = {run: {k: n - taken.get(run, {}).get(k, 0) for k, n in kinds.items()} for run, kinds in counts.items()}
        lines = against_runs(units, counts, late, late_rule="reply_after_cancellation")
        problems = _problems(runs) + await self._strangers({unit.run for unit in units})
        return (
            Reconciliation(
                source="trace",
                other="replies",
                state=state_of(lines, problems),
                lines=lines,
                notes=tuple(problems),
                blind_spots=_BLIND_SPOTS,
            ),
        )

    def _after_end(self, reply: Reply) -> bool:
        """A reply to a run that was cancelled meanwhile: the server cannot take its steps any more."""
        record = self._records.get(reply.run)
        return (
            record is not None
            and record.status == "CANCELLED"
            and record.ended_at is not None
            and reply.time > record.ended_at
        )

    async def _strangers(self, runs: set[str]) -> list[str]:
        """Runs of the served apps that belong to no task."""
        prefixes = tuple(f"{app}-" for app in self._apps)
        try:
            return [
                f"run {run.id} of {run.function.slug} belongs to no task: its units are in no count "
                "(did its driver forget Measured.started?)"
                async for run in self.api.runs_since(self._begun)
                if run.id not in runs and run.function.slug.startswith(prefixes) and run.status != "SKIPPED"
            ]
        except InngestApiError as error:
            return [f"the server's list of runs cannot be read, so runs of nobody would not be seen: {error}"]


def _problems(runs: Mapping[str, RunReplies]) -> list[str]:
    return [f"run {run}: {problem}" for run, seen in runs.items() for problem in seen.problems]
