"""A program that tells the toy of its jobs, watched."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from durameter.engines import (
    Config,
    Found,
    Progress,
    UsageError,
    Watched,
    WatchOptions,
    safe_id,
)
from durameter_toy.engine import ToyEngine, ToySession
from durameter_toy.log import by_job

__all__ = ["watched"]


class WatchedToy(Watched):
    """A server of its own, whose address the command finds in TOY_ADDRESS."""

    def __init__(self, session: ToySession, options: WatchOptions) -> None:
        """Take the session; `options.key` groups jobs by what is before a word in their id."""
        self.session: ToySession = session
        self.environment = {"TOY_ADDRESS": session.info.address}
        self._key = options.key.value if options.key else ""
        self._settled = False

    async def begin(self) -> None:
        """Nothing has to be looked for."""

    async def settle(self) -> None:
        """A line that was sent is there at once."""
        await asyncio.sleep(0)
        self._settled = True

    async def tasks(self) -> Sequence[Found]:
        """A job is a task, or all jobs with the same beginning are one."""
        groups: dict[str, list[str]] = {}
        jobs = by_job(self.session.server.log)
        for job in jobs:
            groups.setdefault(job.partition(self._key)[0] if self._key else job, []).append(job)
        if self._settled and not groups:
            raise UsageError("The command told the toy of no job. It must read TOY_ADDRESS.")
        return [self._found(name, roots, jobs) for name, roots in groups.items()]

    def _found(self, name: str, roots: list[str], jobs: dict) -> Found:  # type: ignore[type-arg]  # as by_job gives it
        entries = [entry for job in roots for entry in jobs[job]]
        running = any(jobs[job][-1].what != "end" for job in roots)
        return Found(
            id=safe_id(name),
            type="job",
            roots=tuple(roots),
            shape={"jobs": len(roots)},
            state="interrupted" if running else "completed",
            error="it still ran" if running else "",
            started=entries[0].at,
            ended=entries[-1].at,
            running=running,
        )


@asynccontextmanager
async def watched(
    engine: ToyEngine, options: WatchOptions, config: Config, folder: Path, progress: Progress
) -> AsyncIterator[WatchedToy]:
    """A server, for one watch."""
    async with engine.session(config, folder, progress) as session:
        yield WatchedToy(session, options)
