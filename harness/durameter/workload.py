"""What a user writes to have an agent measured: a workload, its tasks, an implementation per engine and variant."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from durameter.retries import RetryPolicy

__all__ = [
    "Driver",
    "Implementation",
    "Measured",
    "Outage",
    "RunContext",
    "Scenario",
    "Task",
    "TaskFailedError",
    "Workload",
]


class Task(BaseModel):
    """One piece of work that the user's business counts: a conversation, a ticket."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(pattern=r"^[A-Za-z0-9_-]+$")
    """Unique within a measurement; letters, digits, `-` and `_`."""
    shape: dict[str, JsonValue] = Field(default_factory=dict)
    """What the task is like, recorded with its result, so that its count can be derived by hand."""
    covariates: dict[str, float] = Field(default_factory=dict)
    """Numbers by which its cost may grow: model turns, tool calls, user messages, ..."""
    cluster: str = ""
    """Tasks that are alike beyond their covariates, such as several trials of one case, share a name here; empty for a
    task that is like no other. Errors are clustered by it."""


class TaskFailedError(Exception):
    """The driver saw the task fail for good. Its units are counted all the same."""


@dataclass
class Measured:
    """What a driver says about one task while it drives it."""

    task: Task
    roots: list[str] = field(default_factory=list)
    """What the driver made on the engine, by its ids: workflows, schedules, or the events that it sent."""
    observed: dict[str, float] = field(default_factory=dict)
    """What really happened, from records of the workload's own: model calls served, faults injected, ..."""

    def started(self, root: str) -> None:
        """Say that the driver made a workflow or sent an event on behalf of this task."""
        self.roots.append(root)


Driver = Callable[[Task, Measured], Awaitable[None]]
"""Carries one task from its first message to its end; raises `TaskFailedError` when the agent gave up."""

_Session = TypeVar("_Session")


@dataclass(frozen=True)
class RunContext:
    """What an implementation may know of the measurement around it."""

    folder: Path
    """Where records of the workload's own may be written."""
    seed: int
    """Whatever is drawn by chance is drawn from this."""


class Implementation(ABC, Generic[_Session]):
    """A workload written for one engine, in one pattern."""

    engine: str
    """Name of the engine, as in its entry point."""
    variant: str = "default"
    """Which pattern, such as `update` or `run_per_message`."""

    def __init_subclass__(cls) -> None:
        """Say where it is written that something is forgotten which would fail only once servers are up.

        Raises:
            TypeError: `running` is no context manager.
        """
        super().__init_subclass__()
        running = vars(cls).get("running")
        if inspect.isasyncgenfunction(running) or inspect.iscoroutinefunction(running):
            raise TypeError(f"{cls.__name__}.running needs @contextlib.asynccontextmanager above it, and one yield")

    def covariates(self, task: Task) -> Mapping[str, float]:  # noqa: ARG002 - for those who have some
        """Numbers by which only this implementation's cost grows, beside the task's own: seconds of streams, ..."""
        return {}

    @abstractmethod
    def running(self, session: _Session, tasks: Sequence[Task], run: RunContext) -> AbstractAsyncContextManager[Driver]:
        """Start what serves the agent (worker, app, model server) and yield the driver; end it all on leaving.

        Args:
            session: the reached server; see the engine's session class.
            tasks: all tasks of the measurement.
            run: the measurement around it.
        """


class Outage(BaseModel):
    """How a short outage that was measured stands for a long one.

    Each task met a short outage once: `observed` of it has how long the provider stayed down after the first attempt
    that met it, and how many attempts that failed. A longer outage is the same with more retries, by the closed form of
    the production policy, if the closed form of the policy that was measured gives what was seen.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: float = Field(gt=0)
    """Of the long outage."""
    seconds_key: str = "outage_seconds"
    """`observed` of a task: seconds from its first failed attempt to the end of its outage."""
    failures_key: str = "outage_failures"
    """`observed` of a task: attempts that the outage failed."""
    over_key: str = "outage_over_seconds"
    """`observed` of a task: seconds from its first failed attempt to the first one after the outage."""
    measured: dict[str, RetryPolicy]
    """Engine → the policy of the local server, with the time that it takes to begin an attempt as its jitter."""
    production: dict[str, RetryPolicy]
    """Engine → the policy that users meet."""


class Scenario(BaseModel):
    """A bad day: the same tasks, run for real with faults injected."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    description: str
    options: dict[str, JsonValue] = Field(default_factory=dict)
    """Laid over the options of the measurement; tables within tables are laid over each other."""
    ends: Literal["completed", "failed"] = "completed"
    """How its tasks end. Those that end in another way have no part in the effect."""
    timeout: float = Field(default=180.0, gt=0)
    """Seconds that one task may take at least."""
    default_share: float = Field(ge=0, le=1)
    """Of a month's tasks: how many are hit, if nobody says otherwise."""
    why: str
    """Why that share."""
    differs: str = ""
    """What is not as in production, in words."""
    outage: Outage | None = None


class _NoOptions(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Workload(ABC):
    """An agent to measure. Only `implementations` must be written."""

    description: str = ""
    options_model: type[BaseModel] = _NoOptions
    """The options that a user may set, with defaults; a pydantic model. None unless a workload says so."""

    def tasks(self, count: int, seed: int, options: Any) -> Sequence[Task]:
        """The same `count` tasks for the same seed and options, on every engine; all alike if not overridden."""
        del seed, options
        return [Task(id=f"task-{number:04d}") for number in range(1, count + 1)]

    @abstractmethod
    def implementations(self, options: Any) -> Sequence[Implementation[Any]]:
        """One per engine and variant; the first of an engine is its default."""

    def scenarios(self, options: Any) -> Sequence[Scenario]:
        """Bad days that can be run for real, given these options; none unless a workload says so."""
        del options
        return ()

    def parse_options(self, raw: Mapping[str, Any]) -> BaseModel:
        """Validate options as a user gave them."""
        return self.options_model.model_validate(dict(raw))
