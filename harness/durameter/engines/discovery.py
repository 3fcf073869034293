"""What an engine offers to a watch: a server, reached, and whatever sees the calls of somebody else's program."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from durameter.engines.base import Session
from durameter.engines.task_key import TaskKey
from durameter.results.model import TaskState

__all__ = ["Found", "TaskKey", "WatchOptions", "Watched"]


@dataclass(frozen=True)
class WatchOptions:
    """What the user asked for."""

    key: TaskKey | None = None
    """How root runs make tasks; without it each root is a task."""
    app: tuple[str, ...] = ()
    """URLs of apps that the engine calls."""
    attach: str = ""
    """Address of a server that runs already; empty to start one."""
    command: bool = True
    """Whether a command runs meanwhile. Without one (`attach` only) there is no tap: records alone."""
    since: datetime | None = None
    """What began before is left out. A watch with a command begins now when this is None."""
    until: datetime | None = None
    query: str = ""
    """A list query of the engine, instead of or beside the window."""
    usual_ports: bool = True
    """Whether to listen on the engine's usual ports too, where they are free: many programs hard-code them."""
    idle_seconds: float = 2.0
    """How long nothing new may come before the records of an ended command are said to be stable."""


@dataclass(frozen=True)
class Found:
    """A task: the roots that one key groups, or one root."""

    id: str
    """Safe as a name of a file, see `task_key.safe_id`; unique in the watch."""
    type: str
    """Of its first root: workflow type, slug of the function."""
    roots: tuple[str, ...]
    """What `Session.count` takes."""
    shape: dict[str, JsonValue]
    """What is known of it beside: the full ids, the value of the key."""
    state: TaskState
    """`interrupted` for one that still went on when the watch ended."""
    error: str
    """Why it is not `completed`; else empty."""
    started: datetime
    ended: datetime
    running: bool = False
    """Whether it goes on: for looks before the end."""
    gaps: tuple[str, ...] = ()
    """What is missing in its count although `Session.count` cannot know, in words. None for a state alone."""


class Watched(ABC):
    """One engine, reached, for one watch.

    The core calls `begin`, then `tasks` now and then (only for `--tasks N`), then `settle`, `tasks`, `session.count`
    for each task, `session.reconcile`. `session.abandon` is never called.
    """

    session: Session
    environment: Mapping[str, str]
    """Variables for the command, beside the user's own environment."""
    hidden: tuple[str, ...] = ()
    """Names of the user's variables that the command must not get; one that ends in `*` is a beginning of names."""
    notes: tuple[str, ...] = ()
    """What to tell before the command starts, such as that a usual port is taken."""
    unseen: tuple[str, ...] = ()
    """What these sources cannot show, in words; read at the end."""
    abort_note: str = ""
    """What to add where the command ended by an abort or a segmentation fault, such as that an SDK is known for it."""

    @abstractmethod
    async def begin(self) -> None:
        """The command has just started. Waits for nothing: what has to be looked for, is, in the background."""

    @abstractmethod
    async def settle(self) -> None:
        """The command has ended, or is about to be ended: wait until what it did is in the records.

        Raises:
            UsageError: nothing can be counted, and what to do about it.
            EngineMissingError: the server does not answer.
        """

    @abstractmethod
    async def tasks(self) -> Sequence[Found]:
        """What is there now, grouped by the task key.

        Raises:
            UsageError: after `settle` only: there is no task, or the key fits none; and what to do about it.
        """
