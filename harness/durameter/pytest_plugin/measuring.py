"""Measure a workload within a test."""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from durameter.errors import UsageError
from durameter.pytest_plugin.result import MeasuredResult, check_plan
from durameter.pytest_plugin.servers import Servers
from durameter.registry import load_engine
from durameter.results.folder import Result
from durameter.results.model import EngineResult, TaskResult
from durameter.results.trust import UntrustedError, distrust
from durameter.runner.planning import implementations_of, named_workload, options_of, tasks_of
from durameter.runner.run import Plan, Subject, measure
from durameter.telemetry import open_telemetry
from durameter.workload import Task, Workload

__all__ = ["Measure"]


class _Printing:
    """Pytest shows what was printed when a test fails."""

    def note(self, line: str) -> None:
        print(line)  # noqa: T201 - captured by pytest

    def begin(self, engine: str, variant: str, tasks: int) -> None:
        print(f"{engine} ({variant}): {tasks} tasks")  # noqa: T201 - as above

    def task(self, engine: str, result: TaskResult) -> None:
        print(f"{engine} {result.task} {result.state}: {result.units} units {result.error}")  # noqa: T201 - as above

    def end(self, result: EngineResult) -> None:
        if result.problem:
            print(f"{result.engine}: {result.problem}")  # noqa: T201 - as above


class Measure:
    """Measures workloads on the servers of the session.

    Call it in any test. Where something in the test's own loop must go on meanwhile, `await` its `awaited`.
    """

    def __init__(self, servers: Servers, folder: Callable[[], Path], root: Path) -> None:
        """Measure nothing yet.

        Args:
            servers: of the session.
            folder: makes a new result folder's name.
            root: folder of the tests, for files that are not in the working folder.
        """
        self._servers = servers
        self._folder = folder
        self._root = root
        self._alone: asyncio.Lock | None = None

    def __call__(
        self,
        workload: Workload | Path | str,
        *,
        engine: str | Sequence[str] = (),
        tasks: int | Sequence[Task] = 3,
        variant: str | Mapping[str, str] = "",
        options: Mapping[str, Any] | None = None,
        seed: int | None = None,
        timeout: float | None = None,
        concurrency: int | None = None,
        failed_tasks: int = 0,
    ) -> MeasuredResult:
        """Measure a workload and wait for it.

        Args:
            workload: a workload, its name as `package/workload`, or a file as `./my_agent.py:workload`; the file is
                looked for in the working folder, then in the root folder of the tests.
            engine: one or several; by default each that the workload has an implementation for.
            tasks: how many, or the tasks themselves.
            variant: of the one engine, or engine → variant; by default each engine's first.
            options: of the workload, laid over those in durameter.toml.
            seed: as in durameter.toml by default, and so are the next two.
            timeout: seconds per task.
            concurrency: tasks at once.
            failed_tasks: how many may fail or time out. They are in no figure.

        Returns:
            The result, with assertions.

        Raises:
            UsageError: the call is wrong.
            UntrustedError: the count cannot be trusted: an engine is missing, a task did not complete or was not
                counted, two sources differ.
        """
        return self._servers.loop.run(
            self._measure(workload, engine, tasks, variant, options, seed, timeout, concurrency, failed_tasks)
        )

    async def awaited(
        self,
        workload: Workload | Path | str,
        *,
        engine: str | Sequence[str] = (),
        tasks: int | Sequence[Task] = 3,
        variant: str | Mapping[str, str] = "",
        options: Mapping[str, Any] | None = None,
        seed: int | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - of each task, not of this call
        concurrency: int | None = None,
        failed_tasks: int = 0,
    ) -> MeasuredResult:
        """As the call itself, without holding up the loop of the test."""
        return await self._servers.loop.awaited(
            self._measure(workload, engine, tasks, variant, options, seed, timeout, concurrency, failed_tasks)
        )

    async def _measure(
        self,
        workload: Workload | Path | str,
        engine: str | Sequence[str],
        tasks: int | Sequence[Task],
        variant: str | Mapping[str, str],
        options: Mapping[str, Any] | None,
        seed: int | None,
        seconds: float | None,
        concurrency: int | None,
        failed_tasks: int,
    ) -> MeasuredResult:
        check_plan(tasks, seconds, concurrency)
        config = self._servers.base
        name, found = _workload(workload, self._root)
        engines = [engine] if isinstance(engine, str) and engine else list(engine)
        if isinstance(variant, str) and variant and len(engines) != 1:
            raise UsageError(f"variant={variant!r} is of one engine: name it, or write variant={{engine: variant}}.")
        variants = variant if isinstance(variant, Mapping) else {engines[0]: variant} if variant else {}
        parsed = options_of(name, found, {**config.workloads.get(name, {}), **(options or {})})
        chosen = implementations_of(name, found, parsed, engines, variants)
        chance = config.run.seed if seed is None else seed
        planned = tasks_of(name, found, tasks, chance, parsed) if isinstance(tasks, int) else tasks
        if self._alone is None:
            self._alone = asyncio.Lock()
        async with self._alone:  # a measurement hides variables of SDKs from the whole process
            reached = await self._servers.reach([each.engine for each in chosen])
            plan = Plan(
                workload=name,
                options=parsed.model_dump(mode="json"),
                tasks=planned,
                subjects=[Subject(load_engine(each.engine).engine(), each) for each in chosen],
                concurrency=concurrency or config.run.concurrency,
                timeout=seconds or config.run.timeout,
                seed=chance,
                folder=self._folder(),
            )
            result = await measure(plan, reached, _Printing(), open_telemetry("none"))
        _believe(result, failed_tasks)
        return MeasuredResult(result.folder, result.measurement, result.ledger, config)


def _workload(workload: Workload | Path | str, root: Path) -> tuple[str, Workload]:
    if isinstance(workload, Workload):
        return named_workload(workload)
    name = os.fspath(workload)
    file, _, attribute = name.partition(":")
    if file.endswith(".py") and not Path(file).exists() and (root / file).exists():
        name = f"{root / file}:{attribute}".rstrip(":")
    return named_workload(name)


def _believe(result: Result, failed_tasks: int) -> None:
    problems = [
        problem
        for engine in result.measurement.engines
        for problem in distrust(result.measurement, engine, failed_tasks=failed_tasks)
    ]
    if problems:
        errors = {
            f"{task.task} on {each.engine}: {task.error}"
            for each in result.measurement.engines
            for task in each.tasks
            if task.error
        }
        lines = "".join(f"\n  {line}" for line in (*dict.fromkeys(problems), *sorted(errors)[:5]))
        raise UntrustedError(f"Nothing can be concluded from this measurement:{lines}\nIt is in {result.folder}.")
