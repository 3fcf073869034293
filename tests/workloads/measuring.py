"""Measure the reference agent on shared servers."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from durameter import Implementation, Result, Task
from durameter.config import Config
from durameter.registry import load_engine, load_workload
from durameter.results.model import EngineResult, TaskResult
from durameter.runner.run import Plan, Subject, measure
from durameter.telemetry import ExporterName, open_telemetry
from durameter_workloads.support_agent.shape import Conversation
from running import patience


class Silent:
    """An observer that shows nothing."""

    def note(self, line: str) -> None: ...
    def begin(self, engine: str, variant: str, tasks: int) -> None: ...
    def task(self, engine: str, result: TaskResult) -> None: ...
    def end(self, result: EngineResult) -> None: ...


def as_task(name: str, conversation: Conversation) -> Task:
    """A hand-made conversation as a task."""
    return Task(id=name, shape=conversation.model_dump(mode="json"), covariates=conversation.covariates())


async def measure_agent(
    config: Config,
    folder: Path,
    tasks: Sequence[Task] | int,
    *,
    engines: Sequence[str] = ("temporal", "inngest"),
    seconds: float = 120,
    seed: int = 0,
    concurrency: int = 10,
    exporter: ExporterName = "none",
    variant: str | Callable[[Any], Implementation[Any]] = "",
    **options: Any,
) -> Result:
    """Measure these tasks, or so many drawn ones.

    `variant` is measured instead of its engine's default: the name of one, for one engine, or what makes it of the
    options. A limit of a minute or more for a task is for hangs, and stretched on a busy machine.
    """
    name, workload = load_workload("support_agent")
    parsed = workload.parse_options(options)
    chosen = {each.engine: each for each in reversed(workload.implementations(parsed))}
    if callable(variant):
        made = variant(parsed)
        chosen[made.engine] = made
    elif variant:
        [engine] = engines
        offered = [each for each in workload.implementations(parsed) if each.engine == engine]
        [chosen[engine]] = [each for each in offered if each.variant == variant]
    plan = Plan(
        workload=name,
        options=parsed.model_dump(mode="json"),
        tasks=workload.tasks(tasks, seed, parsed) if isinstance(tasks, int) else tasks,
        subjects=[Subject(load_engine(engine).engine(), chosen[engine]) for engine in engines],
        concurrency=concurrency,
        timeout=seconds if seconds < 60 else seconds * patience(),
        seed=seed,
        folder=folder,
    )
    return await measure(plan, config, Silent(), open_telemetry(exporter))


def kinds(result: Result, engine: str, task: str) -> dict[str, tuple[int, int]]:
    """Kind → (documented, upper) of one task."""
    [found] = [each for each in engine_of(result, engine).tasks if each.task == task]
    return {kind: (int(count.documented), int(count.upper)) for kind, count in found.kinds.items()}


def engine_of(result: Result, engine: str) -> EngineResult:
    """The result of one engine."""
    [found] = [each for each in result.measurement.engines if each.engine == engine]
    return found


def states(result: Result, engine: str) -> dict[str, str]:
    """Task → state."""
    return {each.task: each.state for each in engine_of(result, engine).tasks}


def proof_of(result: Result, engine: str) -> tuple[str, tuple[str, ...]]:
    """What all comparisons of sources come to: `agrees` or `differs`, and the notes of independent ones."""
    found = engine_of(result, engine).reconciliations
    assert found, "nothing was compared"
    bad = [
        f"{each.source}/{each.other}: {line}" for each in found for line in each.lines if line.unexplained or line.where
    ]
    state = "agrees" if all(each.state == "agrees" for each in found) and not bad else "differs"
    return state, (*bad, *(note for each in found if each.independent for note in each.notes))
