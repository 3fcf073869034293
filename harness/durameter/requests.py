"""From names and words to work that is ready to begin: what the public API and the command line have in common.

Everything is checked here, and nothing is started.
"""

import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durameter.config import Config
from durameter.engines.counting import Counting, CountRequest
from durameter.engines.discovery import WatchOptions
from durameter.engines.plugin import EnginePlugin
from durameter.engines.task_key import parse_key
from durameter.errors import UsageError
from durameter.registry import answered_rulebook, engine_names, engine_packages, engines, load_engine, task_keys
from durameter.results.answers import Answers
from durameter.results.estimates import parse_rates
from durameter.results.folder import Result, new_folder
from durameter.results.writer import WORKLOAD, check_new
from durameter.times import parse_moment, parse_span
from durameter.workload import Workload
from durameter.workload_files import SOURCE, is_own_file, recorded_source

if TYPE_CHECKING:  # what runs tasks, and what watches, is heavy: each is imported by the one that needs it
    from durameter.runner.run import Observer
    from durameter.runner.until import Until
    from durameter.telemetry import ExporterName
    from durameter.watcher.run_command import Stop

__all__ = ["Ready", "ready_count", "ready_measurement", "ready_watch", "with_answers"]

_INTERPRETERS = re.compile(r"(python[\d.]*|node|npx|npm|tsx|ts-node|go|bun|deno|uv|poetry|sh|bash|env)")


@dataclass(frozen=True)
class Ready:
    """A measurement or a watch that can begin."""

    folder: Path
    """Of the result; what was counted is there also when it is stopped."""
    run: "Callable[[Observer], Coroutine[Any, Any, Result]]"
    stop: "Stop | None" = None
    """By which somebody ends a watched command and has it counted; None for a measurement."""


def with_answers(config: Config, answers: Answers) -> Config:
    """The configuration with these answers laid over its own.

    Args:
        config: whose `answers` they are laid over.
        answers: engine → open question → `billed` or `free`.

    Raises:
        UsageError: an engine or a question, of either, is not known.
    """
    every = {e: {**config.answers.get(e, {}), **answers.get(e, {})} for e in {*config.answers, *answers}}
    for engine in every:
        answered_rulebook(engine, every)
    return config.model_copy(update={"answers": every})


# Tasks of a workload.


def ready_measurement(
    workload: Workload | Path | str | None,
    config: Config,
    *,
    engines: Sequence[str] = (),
    variants: Mapping[str, str] = {},
    tasks: int | None = None,
    until: str | None = None,
    at_most: int | None = None,
    concurrency: int | None = None,
    seed: int | None = None,
    timeout: float | None = None,
    options: Mapping[str, Any] = {},
    out: Path | None = None,
    telemetry: "ExporterName | None" = None,
) -> Ready:
    """A measurement; see `durameter.measure` for the arguments. What is None is as configured.

    Raises:
        UsageError: a name, an option or a number is wrong.
        ResultError: no folder can be made.
    """
    from durameter.runner.planning import implementations_of, named_workload, options_of, tasks_of
    from durameter.runner.run import Plan, Subject, measure
    from durameter.runner.until import same_beginning
    from durameter.telemetry import open_telemetry

    asked = workload or config.run.workload
    name, found = named_workload(asked)
    parsed = options_of(name, found, {**config.workloads.get(name, {}), **options})
    chosen = implementations_of(name, found, parsed, engines, variants)
    first = tasks or config.run.tasks
    goal = _until(until, at_most, first)
    chance = config.run.seed if seed is None else seed
    planned = tasks_of(name, found, goal.cap if goal else first, chance, parsed)
    if goal is not None:
        same_beginning(name, planned, tasks_of(name, found, first, chance, parsed))
    exporter = open_telemetry(telemetry or config.telemetry.exporter)
    text = "" if isinstance(asked, Workload) else str(asked)
    folder = out or new_folder(config.run.results, name.partition("/")[0 if text and is_own_file(text) else 2])
    source = recorded_source(text, folder) if text else None
    plan = Plan(
        workload=name,
        options=parsed.model_dump(mode="json"),
        tasks=planned,
        subjects=[Subject(load_engine(each.engine).engine(), each) for each in chosen],
        concurrency=concurrency or config.run.concurrency,
        timeout=timeout or config.run.timeout,
        seed=chance,
        folder=folder,
        until=goal,
        about={SOURCE: source} if source else {},
    )
    return Ready(folder, lambda observer: measure(plan, config, observer, exporter))


def _until(until: str | None, at_most: int | None, first: int) -> "Until | None":
    from durameter.runner.until import AT_MOST, Until, parse_until

    if until is None:
        if at_most is not None:
            raise UsageError(
                "--at-most is the cap of --until, as in --until ±5% --at-most 200; --tasks is a fixed number."
            )
        return None
    cap = at_most or max(AT_MOST, first)
    if cap < first:
        raise UsageError(f"--at-most {cap} is fewer than the {first} tasks of the first batch (--tasks).")
    return Until(parse_until(until), first, cap)


# A program as it is.


def ready_watch(
    command: Sequence[str],
    config: Config,
    *,
    engine: str | None = None,
    task_key: str | None = None,
    apps: Sequence[str] = (),
    attach: str | None = None,
    seconds: str | None = None,
    tasks: int | None = None,
    since: str | None = None,
    until: str | None = None,
    query: str | None = None,
    usual_ports: bool = True,
    out: Path | None = None,
) -> Ready:
    """A watch; see `durameter.watch` for the arguments.

    Raises:
        UsageError: a name or an option is wrong, or options do not go together.
        EngineMissingError: a key is missing.
        ResultError: no folder can be made.
    """
    from durameter.watcher.run_command import check_command
    from durameter.watcher.watch import WatchPlan, watch

    argv = tuple(command)
    if engine is not None and engine not in engine_names():
        raise UsageError(f"There is no engine {engine!r} to watch. There are: {', '.join(engine_names())}.")
    plugin = load_engine(engine or engine_names()[0])
    if not argv and attach is None:
        raise UsageError(
            "Give the command after two hyphens: durameter watch -- python my_agent.py. Without one, --attach counts "
            "what a server that runs already holds."
        )
    if not argv and (seconds is not None or tasks is not None):
        raise UsageError("--for and --tasks end a command, and there is none. For a window of time: --since, --until.")
    now = datetime.now(UTC)
    options = WatchOptions(
        key=parse_key(task_key, task_keys(), plugin.name) if task_key else None,
        app=tuple(apps),
        attach=attach or "",
        command=bool(argv),
        since=parse_moment(since, "--since", now=now) if since is not None else None,
        until=parse_moment(until, "--until", now=now) if until is not None else None,
        query=query or "",
        usual_ports=usual_ports,
    )
    if argv:
        check_command(argv)
    plugin.check_watch(options, config)
    limit = parse_span(seconds).total_seconds() if seconds is not None else None
    name = _name(argv) if argv else plugin.name
    plan = WatchPlan(
        engine=plugin.name,
        unit=plugin.unit,
        name=f"watch/{name}",
        command=argv,
        options=options,
        folder=out or new_folder(config.run.results, f"watch-{name}"),
        seconds=limit,
        tasks=tasks,
    )
    return Ready(plan.folder, lambda observer: watch(plan, config, observer), plan.stop)


def _name(argv: tuple[str, ...]) -> str:
    """A short name of a program: its script, where an interpreter runs one."""
    words = [argv[0]]
    if _INTERPRETERS.fullmatch(Path(argv[0]).name):
        words = [word for word in argv[1:] if re.fullmatch(r"[\w./:-]+\.\w+", word)][:1] or words
    return re.sub(r"[^A-Za-z0-9_-]+", "-", Path(words[0]).stem).strip("-") or "program"


# Records that are there already.


def ready_count(
    paths: Sequence[Path],
    config: Config,
    *,
    engine: str | None = None,
    servers: Mapping[str, str] = {},
    functions: Sequence[str] = (),
    since: str | None = None,
    until: str | None = None,
    rates: Sequence[str] = (),
    out: Path | None = None,
) -> tuple[Counting, CountRequest]:
    """A count: of files, or of one server, which `CountRequest.server` then names.

    Args:
        paths: files, and folders that hold them.
        config: answers to open questions, keys of servers.
        engine: whose records the files are; by default as they are named.
        servers: engine → address, of the one server to count on instead of files.
        functions: of a server: only tasks that begin with one of them.
        since: of a server: what was queued from this time on.
        until: of a server: what was queued before this time.
        rates: `KIND=N/task`, units of what no record shows.
        out: the folder of the result; a new one by default.

    Raises:
        UsageError: a name or a rate is wrong, or options do not go together.
        ResultError: the folder holds files already.
    """
    if out is not None:
        check_new(out)

    def make_folder() -> Path:
        return out or new_folder(config.run.results, WORKLOAD)

    options = " or ".join(f"--{name} URL" for name in _asked_on_servers())
    if not servers:
        if functions or since or until:
            raise UsageError(f"--function, --since and --until choose runs of a server: name it by {options}.")
        plugin = _engine_of(paths, engine)
        if not paths:
            raise UsageError(f"Name files of histories, or folders that hold them; or a server by {options}.")
        counting = plugin.counting()
        if counting is None or not plugin.counts_files:
            raise UsageError(f"Records of {plugin.title} are not counted from files: name a server by {options}.")
        url = ""
    elif paths or engine or len(servers) > 1:
        raise UsageError(
            f"Files and {options.removesuffix(' URL')} are two counts: files hold histories, a server has runs of its "
            "own. Count one after the other."
        )
    else:
        [(name, url)] = servers.items()
        plugin = load_engine(name)
        counting = plugin.counting()
        if counting is None or not plugin.counts_servers:
            raise UsageError(f"Records of {plugin.title} are not counted on a server: name files.")
    request = CountRequest(
        make_folder,
        config,
        rates=parse_rates(rates, plugin.recorded()),
        paths=tuple(paths),
        server=url,
        functions=tuple(functions),
        since=since,
        until=until,
        packages=tuple(engine_packages()),
    )
    return counting, request


def _asked_on_servers() -> list[str]:
    return [each.name for each in engines() if each.counts_servers]


def _engine_of(paths: Sequence[Path], engine: str | None) -> EnginePlugin:
    """The engine that was named, or that claims the files, or the first that reads files."""
    if engine is not None:
        return load_engine(engine)
    readers = [(each, counting) for each in engines() if each.counts_files and (counting := each.counting())]
    if not readers:
        raise UsageError("No installed engine counts files.")
    return next((each for each, counting in readers if paths and counting.claims(paths)), readers[0][0])
