"""What every engine offers to the rest of the harness."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from durameter.config import Config
from durameter.errors import EngineMissingError
from durameter.processes.child import ProcessError
from durameter.processes.server import GuardedProcess
from durameter.results.model import ServerInfo
from durameter.results.reconcile import Reconciliation
from durameter_collectors.units import Elsewhere, Gap, TaskLabel, Unit, nowhere

__all__ = [
    "Engine",
    "Finding",
    "Progress",
    "RunningServer",
    "Session",
    "TaskCount",
    "engine_needed",
]

Progress = Callable[[str], None]
"""Takes short lines about long work."""


@contextmanager
def engine_needed() -> Iterator[None]:
    """A process that cannot be started in here is an engine that is missing.

    Raises:
        EngineMissingError: in the words of the `ProcessError`.
    """
    try:
        yield
    except ProcessError as error:
        raise EngineMissingError(str(error)) from error


@dataclass(frozen=True)
class RunningServer:
    """A started server."""

    info: ServerInfo
    process: GuardedProcess
    settings: Mapping[str, str]
    """The variables (`DURAMETER_*`) by which a later command uses this server."""


class Finding(BaseModel):
    """One line of `durameter doctor`."""

    model_config = ConfigDict(frozen=True)

    state: Literal["ok", "warning", "missing"]
    subject: str
    text: str
    advice: str = ""


@dataclass
class TaskCount:
    """All that the server's records say about one task."""

    units: list[Unit] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    counted: bool = True
    """False when no count could be made at all."""
    records: dict[str, bytes] = field(default_factory=dict)
    """Raw records by file name, kept with the result so that the count can be made again."""
    measures: dict[str, Decimal] = field(default_factory=dict)
    """What is measured beside units, by the engine's own names (requests, events, bytes); nothing of it is a unit."""


class Session(ABC):
    """A reached server, for the length of one measurement. Workloads get the engine's own subclass."""

    info: ServerInfo

    async def died(self) -> str:
        """Wait until the server ends before its time, and say so. Waits for ever on a server that is not ours."""
        await asyncio.Event().wait()
        return ""

    @abstractmethod
    async def abandon(self, roots: Sequence[str]) -> None:
        """End what a task still has running, without a billed call, so that its count is final."""

    @abstractmethod
    async def count(self, roots: Sequence[str], label: TaskLabel, *, elsewhere: Elsewhere = nowhere) -> TaskCount:
        """Count a task that has ended, from the server's records of all of its runs.

        Args:
            roots: what its driver named.
            label: whose units these are.
            elsewhere: whether the driver of another task has named this.
        """

    @abstractmethod
    async def reconcile(self, units: Sequence[Unit]) -> tuple[Reconciliation, ...]:
        """Compare the whole ledger of this engine with the independent sources; the ledger's own proof first."""


class Engine(ABC):
    """A durable-execution engine."""

    name: str
    unit: str
    """What the vendor calls one unit, in the singular."""

    @abstractmethod
    def examine(self, config: Config) -> list[Finding]:
        """What would be used, which version, from where, and what to do when something is missing."""

    @abstractmethod
    async def start(self, config: Config, folder: Path, progress: Progress) -> RunningServer:
        """Start a server of its own, with state and log in `folder`, and wait until it is ready.

        It ends with this process, however that ends, unless it is told to stay.

        Raises:
            EngineMissingError: no program, or it did not become ready.
        """

    @abstractmethod
    def session(self, config: Config, folder: Path, progress: Progress) -> AbstractAsyncContextManager[Session]:
        """Start a server, or reach the configured one, for one measurement; undo it on leaving.

        Raises:
            EngineMissingError: no server can be had.
        """
