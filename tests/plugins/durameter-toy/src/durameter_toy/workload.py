"""Jobs of one to four steps, the first one tried twice in every second job."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from durameter import Driver, Implementation, Measured, RunContext, Task, Workload
from durameter_toy.engine import ToySession

__all__ = ["Counter", "workload"]


class Counter(Workload):
    """A task of n steps costs 1 + n ticks, and 1 more if the retry is billed."""

    description = "jobs that count to four"

    def tasks(self, count: int, seed: int, options: Any) -> Sequence[Task]:
        """Tasks of 1, 2, 3, 4, 1, 2 ... steps."""
        return [
            Task(id=f"job-{number:04d}", covariates={"steps": (number - 1) % 4 + 1, "retried": number % 2})
            for number in range(1, count + 1)
        ]

    def implementations(self, options: Any) -> Sequence[Implementation[Any]]:
        """One."""
        return [OnToy()]


class OnToy(Implementation[ToySession]):
    """The jobs on the toy."""

    engine = "toy"

    @asynccontextmanager
    async def running(self, session: ToySession, tasks: Sequence[Task], run: RunContext) -> AsyncIterator[Driver]:
        """Nothing has to be started."""

        async def drive(task: Task, measured: Measured) -> None:
            measured.started(task.id)
            steps, retried = int(task.covariates["steps"]), int(task.covariates["retried"])
            await session.client.run(task.id, steps, retried=retried)

        yield drive


workload = Counter()
