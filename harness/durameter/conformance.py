"""Conformance suites: small real workflows or functions whose cost was derived by hand. What a suite offers.

A suite is found by the entry point group `durameter.conformance`; its name is the engine's.
"""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from durameter.config import Config

__all__ = ["Observer", "Outcome", "State", "Suite"]

State = Literal["pass", "explained", "unexplained", "failed", "skipped"]

Counts = dict[str, Decimal]


class Outcome(BaseModel):
    """What came of one scenario."""

    model_config = ConfigDict(frozen=True)

    name: str
    state: State
    """`pass`: all is as expected, and the second source agrees. `explained`: all is as expected, differences included.
    `unexplained`: something is not. `failed`: the scenario itself could not be carried out. `skipped`: the server does
    not offer what it needs."""
    why: str = ""
    """Of `failed` and `skipped`, in words."""
    expected: Counts = Field(default_factory=dict)
    """Kind → units as documented, derived by hand."""
    counted: Counts = Field(default_factory=dict)
    """Kind → units as documented, as the ledger has them."""
    open_expected: Counts = Field(default_factory=dict)
    """Kind → units that open questions would add."""
    open_counted: Counts = Field(default_factory=dict)
    second_expected: Counts = Field(default_factory=dict)
    """What the second source must say, by its own names: a meter without the traffic of the server's own work, or the
    wire with both readings together."""
    second_read: Counts | None = None
    """None without a second source."""
    differences_expected: Counts = Field(default_factory=dict)
    """Name of a correction → units that the second source has more for that reason."""
    differences_found: Counts | None = None
    """None without a second source."""
    system: Counts = Field(default_factory=dict)
    """Part of the server → what its own workflows made the meter count."""
    gaps_expected: int = 0
    gaps: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    """What is not as expected, in words; empty for `pass` and `explained`."""
    rules: tuple[str, ...] = ()
    """Ids of the rules whose units were counted."""
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return self.state in {"pass", "explained", "skipped"}


class Observer(Protocol):
    """Is told how the suite gets on."""

    def progress(self, line: str) -> None:
        """Short words about long work."""

    def finished(self, outcome: Outcome, round_number: int) -> None:
        """One scenario is done; the first round is 1."""


class Suite(Protocol):
    """The conformance suite of one engine."""

    engine: str
    second: str
    """What the second source of its counts is called."""

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Names of all scenarios."""

    async def run(
        self,
        config: Config,
        folder: Path,
        *,
        only: Sequence[str] = (),
        at_once: int = 8,
        times: int = 1,
        observer: Observer,
    ) -> list[Outcome]:
        """Run scenarios on the configured server, or on servers of their own.

        Args:
            config: where the server is.
            folder: for servers' state and the tap's rows.
            only: names, or parts of names; all when empty.
            at_once: how many side by side.
            times: how many rounds.
            observer: is told of every outcome as it comes.

        Returns:
            All outcomes, in the order of the suite, round by round.

        Raises:
            UsageError: no scenario has such a name.
            EngineMissingError: no server can be had.
        """
