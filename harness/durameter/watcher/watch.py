"""Watch a program: start or reach the servers, run it, count all that it did, and write the result folder."""

import asyncio
import logging
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from pydantic import JsonValue

from durameter.config import Config
from durameter.engines.base import TaskCount
from durameter.engines.discovery import Found, Watched, WatchOptions
from durameter.errors import DurameterError, EngineMissingError
from durameter.registry import answered_rulebook, engine_packages, load_engine
from durameter.results.folder import LOG, Result
from durameter.results.logs import logging_to
from durameter.results.model import EngineResult, TaskResult, count_kinds
from durameter.results.writer import ResultWriter
from durameter.runner.run import Observer
from durameter.watcher.run_command import COUNTED, Stop, run_command
from durameter_collectors.rulebook import Rulebook
from durameter_collectors.units import Gap, TaskLabel, Unit

__all__ = ["VARIANT", "WatchPlan", "watch"]

VARIANT = "watched"

_log = logging.getLogger(__name__)

_SECRET = re.compile(r"(?i)key|token|secret|passw|credential")
_AT_ONCE = 8
"""Tasks that are counted at the same time."""


@dataclass(frozen=True)
class WatchPlan:
    """What to watch."""

    engine: str
    unit: str
    """What the vendor calls one unit, in the singular."""
    name: str
    """Of the program, for the report."""
    command: tuple[str, ...]
    """Empty to count records alone."""
    options: WatchOptions
    folder: Path
    seconds: float | None = None
    """End the command after so long."""
    tasks: int | None = None
    """End the command when so many tasks have ended."""
    grace: float = 10.0
    """Seconds that the command has to end after Ctrl-C."""
    stop: Stop = field(default_factory=Stop)
    """By which somebody ends it before its time."""

    def about(self) -> dict[str, JsonValue]:
        """For the record, without secrets."""
        options = self.options
        window = {"since": options.since, "until": options.until}
        about: dict[str, JsonValue] = {name: at.isoformat() for name, at in window.items() if at is not None}
        if self.command:
            about["command"] = list(_without_secrets(self.command))
        if options.attach:
            about["address"] = options.attach
        if options.query:
            about["query"] = options.query
        if options.key:
            about["task_key"] = str(options.key)
        if options.app:
            about["app"] = list(options.app)
        return about


async def watch(plan: WatchPlan, config: Config, observer: Observer) -> Result:
    """Run the command, or only look, and write the result folder.

    Args:
        plan: what to watch.
        config: where the servers are, keys, answers.
        observer: is told of the progress.

    Returns:
        The finished result. When cancelled the folder is completed with state `incomplete` first.

    Raises:
        UsageError: nothing could be counted, and what to do about it; the folder says so too.
        EngineMissingError: no server can be had.
        ResultError: the folder cannot be written.
    """
    writer = ResultWriter(plan.folder, door="watch", workload=plan.name, about=plan.about(), packages=engine_packages())
    one = _Watch(plan, writer, observer, answered_rulebook(plan.engine, config.answers), config)
    done = False
    try:
        with logging_to(plan.folder / LOG):
            await one.all()
        done = True
    finally:
        result = one.result.model_copy(update={"ended": datetime.now(UTC), "tasks": tuple(one.results)})
        writer.engine(result)
        if not isinstance(sys.exc_info()[1], DurameterError):  # which is shown as it is
            observer.end(result)
        written = writer.finish([result], one.units, complete=done, task_count=len(one.results), about=one.about)
    return written


def _without_secrets(words: Sequence[str]) -> Iterator[str]:
    """A command line with the values of options and variables left out whose names speak of secrets."""
    hide = False
    for word in words:
        name, equals, _ = word.partition("=")
        secret = _SECRET.search(name) is not None and (bool(equals) or word.startswith("-"))
        yield "…" if hide else f"{name}=…" if secret and equals else word
        hide = secret and not equals


class _Watch:
    """One engine, one command."""

    def __init__(
        self, plan: WatchPlan, writer: ResultWriter, observer: Observer, rules: Rulebook, config: Config
    ) -> None:
        self._plan = plan
        self._writer = writer
        self._observer = observer
        self._rules = rules
        self._config = config
        self._users = dict(os.environ)
        """The environment before anything of it is hidden from the SDKs in this process."""
        self.results: list[TaskResult] = []
        self.units: list[Unit] = []
        self.about: dict[str, JsonValue] = {}
        self.result = EngineResult(
            engine=plan.engine,
            unit=plan.unit,
            variant=VARIANT,
            state="interrupted",
            problem="the watch was stopped before anything was counted",
            rulebook=rules.version,
            answers=config.answers.get(plan.engine, {}),
            started=datetime.now(UTC),
            failed_too=True,
        )
        writer.engine(self.result)

    async def all(self) -> None:
        """Everything; `result`, `results` and `units` hold what was found on every way out."""
        plan = self._plan
        folder = plan.folder.absolute() / "servers" / plan.engine
        folder.mkdir(parents=True)
        try:
            async with load_engine(plan.engine).watched(
                plan.options, self._config, folder, self._observer.note
            ) as watched:
                await self._watched(watched)
        except EngineMissingError as error:
            self.result = self.result.model_copy(update={"state": "missing", "problem": str(error)})
            raise
        except DurameterError as error:
            self.result = self.result.model_copy(update={"problem": str(error)})
            raise

    async def _watched(self, watched: Watched) -> None:
        self.result = self.result.model_copy(update={"server": watched.session.info})
        self._writer.engine(self.result)
        for note in watched.notes:
            self._observer.note(note)
        problem = ""
        if self._plan.command:
            ended = await run_command(self._plan, watched, self._variables(watched), self._observer.note)
            self.about |= ended.about
            problem = ended.problem
            if ended.server_died:
                self.result = self.result.model_copy(update={"problem": problem})
                return
        try:
            await watched.settle()
            found = await watched.tasks()
        except DurameterError as error:
            if problem:
                said = problem.removesuffix(COUNTED)
                raise type(error)(f"{said[:1].upper()}{said[1:]}; its output is above. {error}") from error
            raise
        await self._count_all(watched, found)
        proof = await watched.session.reconcile(self.units)
        self.result = self.result.model_copy(
            update={
                "state": "interrupted" if problem else "measured",
                "problem": problem,
                "server": watched.session.info,
                "reconciliations": proof,
                "unseen": tuple(watched.unseen),
            }
        )

    def _variables(self, watched: Watched) -> Mapping[str, str]:
        """The user's own environment, with what the engine needs, and no proxy before servers on this machine."""
        beginnings = tuple(name[:-1] for name in watched.hidden if name.endswith("*"))
        hidden = {each for each in self._users if each in watched.hidden or each.startswith(beginnings)}
        if dropped := sorted(hidden - set(watched.environment)):
            self._observer.note(f"not passed on to the command: {', '.join(dropped)}")
        proxies = {name: os.environ[name] for name in ("no_proxy", "NO_PROXY") if name in os.environ}
        own = {name: value for name, value in self._users.items() if name not in hidden}
        return own | proxies | dict(watched.environment)

    async def _count_all(self, watched: Watched, found: Sequence[Found]) -> None:
        self._observer.begin(self._plan.engine, VARIANT, len(found))
        owner = {root: each.id for each in found for root in each.roots}
        slots = asyncio.Semaphore(_AT_ONCE)

        async def one(task: Found) -> tuple[TaskResult, list[Unit]]:
            def elsewhere(name: str) -> bool:
                return owner.get(name, task.id) != task.id

            async with slots:
                label = TaskLabel(self._plan.name, VARIANT, task.id)
                try:
                    count = await watched.session.count(task.roots, label, elsewhere=elsewhere)
                except Exception as error:  # noqa: BLE001 - a task that could not be counted is said, not lost
                    _log.exception("counting task %s", task.id)
                    count = TaskCount(
                        gaps=[self._gap(task, f"this task could not be counted: {error!r}")], counted=False
                    )
                gaps = [*count.gaps, *(self._gap(task, what) for what in task.gaps)]
                return self._keep(task, replace(count, gaps=gaps, units=self._rules.read(count.units)))

        for result, units in await asyncio.gather(*(one(task) for task in found)):
            self.results.append(result)
            self.units.extend(units)

    def _gap(self, task: Found, what: str) -> Gap:
        return Gap(engine=self._plan.engine, task=task.id, run="", what=what)

    def _keep(self, task: Found, count: TaskCount) -> tuple[TaskResult, list[Unit]]:
        result = TaskResult(
            task=task.id,
            type=task.type,
            state=task.state,
            error=task.error,
            shape=task.shape,
            roots=task.roots,
            runs=tuple(count.runs),
            kinds=count_kinds(count.units, self._rules),
            measures=count.measures,
            gaps=tuple(count.gaps),
            counted=count.counted,
            started=task.started,
            ended=max(task.started, task.ended),
        )
        self._writer.records(self._plan.engine, task.id, count.records)
        self._writer.task(self._plan.engine, VARIANT, result, count.units)
        self._observer.task(self._plan.engine, result)
        return result, count.units
