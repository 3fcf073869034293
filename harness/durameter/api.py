"""The verbs: measure an agent, watch a program, count records, read a result.

The command line is written on this. A result is read and shown without a server; nothing here imports an engine's SDK.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from durameter.config import Config
from durameter.registry import rulebook_of
from durameter.result import AnyPath, Result, settings_of, with_verbs
from durameter.results import folder
from durameter.results.answers import Answers, reread
from durameter.results.model import EngineResult, TaskResult

if TYPE_CHECKING:  # what is heavy is imported by the verb that needs it
    from durameter.engines.counting import Reading
    from durameter.runner.run import Observer
    from durameter.telemetry import ExporterName
    from durameter.workload import Workload

__all__ = ["count", "measure", "read_result", "watch"]

_Made = TypeVar("_Made")


def read_result(path: AnyPath, *, answers: Answers | None = None) -> Result:
    """Read a result folder, also one whose measurement was killed.

    Args:
        path: the folder, or the `measurement.json` in it.
        answers: open questions of the billing rules that are to be answered otherwise: engine → question → `billed` or
            `free`.

    Raises:
        ResultError: there is no measurement, or it cannot be read.
        UsageError: there is no such question.
    """
    return with_verbs(reread(folder.read_result(path), answers or {}, rulebook_of))


def measure(
    workload: "Workload | AnyPath | None" = None,
    *,
    engines: Sequence[str] = (),
    tasks: int | None = None,
    variants: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
    until: str | None = None,
    at_most: int | None = None,
    concurrency: int | None = None,
    seed: int | None = None,
    timeout: float | None = None,
    answers: Answers | None = None,
    out: AnyPath | None = None,
    telemetry: "ExporterName | None" = None,
    observer: "Observer | None" = None,
    config: Config | AnyPath | None = None,
) -> Result:
    """Run an agent for real on each engine and count every billable unit.

    Servers are started on free ports and stopped again. What is not given is as configured. Where an event loop runs
    already, as in a notebook, the measurement has one of its own in a thread, and the call waits for it.

    Args:
        workload: a workload, its name as `package/workload`, or its file as `./my_agent.py:workload`.
        engines: by default each that the workload has an implementation for.
        tasks: per engine; with `until`, of the first batch.
        variants: engine → variant, where it is not the engine's first.
        options: of the workload, laid over the configured ones.
        until: go on in batches until the 95 % interval of the mean is this narrow: `±5%`.
        at_most: with `until`: tasks per engine at most.
        concurrency: tasks at once.
        seed: what is drawn by chance is drawn from this.
        timeout: seconds that one task may take.
        answers: open questions of the billing rules: engine → question → `billed` or `free`.
        out: folder of the result, which must be new.
        telemetry: exporter of units through OpenTelemetry.
        observer: is told how it goes.
        config: a configuration, its file, or by default `durameter.toml` in the working folder.

    Returns:
        The result, also where tasks failed or an engine is missing: `measurement` says so.

    Raises:
        UsageError: a name, an option or a number is wrong.
        ResultError: the folder cannot be written.
    """
    from durameter.requests import ready_measurement, with_answers

    ready = ready_measurement(
        workload if workload is None or not isinstance(workload, os.PathLike) else Path(workload),
        with_answers(settings_of(config), answers or {}),
        engines=engines,
        variants=variants or {},
        tasks=tasks,
        until=until,
        at_most=at_most,
        concurrency=concurrency,
        seed=seed,
        timeout=timeout,
        options=options or {},
        out=None if out is None else Path(out),
        telemetry=telemetry,
    )
    return with_verbs(_finished(lambda: ready.run(observer or _Silent())))


def watch(
    command: Sequence[str] = (),
    *,
    engine: str | None = None,
    task_key: str | None = None,
    apps: Sequence[str] = (),
    attach: str | None = None,
    seconds: float | None = None,
    tasks: int | None = None,
    since: str | None = None,
    until: str | None = None,
    query: str | None = None,
    usual_ports: bool = True,
    answers: Answers | None = None,
    out: AnyPath | None = None,
    observer: "Observer | None" = None,
    config: Config | AnyPath | None = None,
) -> Result:
    """Run any program as it is and count every billable unit of what it does.

    Args:
        command: program and arguments; empty to count what the server at `attach` holds.
        engine: that the program uses; by default the first that is installed.
        task_key: `KIND:VALUE`, what makes one task of several root runs; by default each root run is a task.
        apps: URLs of apps that the engine calls.
        attach: address of a server that runs already.
        seconds: end the command after so long.
        tasks: end the command when so many tasks have ended.
        since: with `attach`: what began before is left out. `2h`, or a time.
        until: with `attach`: what began later is left out.
        query: with `attach`: a list query of the engine.
        usual_ports: also listen on the engine's usual ports where they are free.
        answers: see `measure`, and so are the others.
        out: see `measure`.
        observer: see `measure`.
        config: see `measure`.

    Raises:
        UsageError: an argument is wrong, or nothing could be counted.
        EngineMissingError: no server can be had.
        ResultError: the folder cannot be written.
    """
    from durameter.requests import ready_watch, with_answers

    ready = ready_watch(
        command,
        with_answers(settings_of(config), answers or {}),
        engine=engine,
        task_key=task_key,
        apps=apps,
        attach=attach,
        seconds=None if seconds is None else f"{seconds:f}s",
        tasks=tasks,
        since=since,
        until=until,
        query=query,
        usual_ports=usual_ports,
        out=None if out is None else Path(out),
    )
    return with_verbs(_finished(lambda: ready.run(observer or _Silent())))


def count(
    paths: AnyPath | Sequence[AnyPath] = (),
    *,
    engine: str | None = None,
    servers: Mapping[str, str] | None = None,
    functions: Sequence[str] = (),
    since: str | None = None,
    until: str | None = None,
    rates: Sequence[str] = (),
    answers: Answers | None = None,
    out: AnyPath | None = None,
    progress: "Reading | None" = None,
    config: Config | AnyPath | None = None,
) -> Result:
    """Count what has run already: records in files, or runs on a server.

    Args:
        paths: a file, or a folder that holds them, or several.
        engine: whose records they are; by default as they are named.
        servers: engine → address: count the runs of this one server instead.
        functions: of a server: only tasks that begin with one of them.
        since: of a server: runs queued from this time on; 24 hours ago by default.
        until: of a server: runs queued before this time.
        rates: `KIND=N/task`: estimates of what no record shows, apart from the count.
        answers: see `measure`, and so are `out` and `config`.
        out: see `measure`.
        progress: is told after each file.
        config: see `measure`.

    Raises:
        UsageError: an argument is wrong, or there is nothing to count.
        EngineMissingError: no such server answers.
        ResultError: the folder cannot be written.
    """
    from durameter.requests import ready_count, with_answers

    given = [paths] if isinstance(paths, str | os.PathLike) else paths
    counting, request = ready_count(
        [Path(each) for each in given],
        with_answers(settings_of(config), answers or {}),
        engine=engine,
        servers=servers or {},
        functions=functions,
        since=since,
        until=until,
        rates=rates,
        out=None if out is None else Path(out),
    )
    if request.server:
        return with_verbs(_finished(lambda: counting.count_server(request, lambda _line: None)))
    return with_verbs(counting.count_files(request, progress or (lambda _read: None)))


class _Silent:
    """Where nobody is told."""

    def note(self, line: str) -> None:
        del line

    def begin(self, engine: str, variant: str, tasks: int) -> None:
        del engine, variant, tasks

    def task(self, engine: str, result: TaskResult) -> None:
        del engine, result

    def end(self, result: EngineResult) -> None:
        del result


def _finished(work: Callable[[], Coroutine[Any, Any, _Made]]) -> _Made:
    """What the work comes to. Ctrl-C cancels it, and waits until it has cleaned up."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work())
    from anyio.from_thread import start_blocking_portal

    with start_blocking_portal() as portal:
        made: _Made = portal.call(work)
        return made
