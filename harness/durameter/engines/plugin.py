"""What a package offers to bring an engine: one `EnginePlugin`, named by an entry point of `durameter.engines`."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources.abc import Traversable
from pathlib import Path

from durameter.config import Config, Section
from durameter.engines.base import Engine, Progress
from durameter.engines.counting import Counting
from durameter.engines.discovery import Watched, WatchOptions
from durameter.errors import UsageError
from durameter.results.estimates import Recorded
from durameter.retries import RetryPolicy
from durameter_collectors.rulebook import Rulebook

__all__ = ["EnginePlugin", "LimitedMeasure", "Quantity"]


@dataclass(frozen=True)
class Quantity:
    """What a vendor bills by the month beside its units, such as gateway calls."""

    words: str
    """In the plural, as a bill names it."""
    measure: str
    """Of a task. A month has volume x mean of it; where it was not measured, the quantity is not known."""


@dataclass(frozen=True)
class LimitedMeasure:
    """What a limit of the plans is about."""

    measure: str
    """The measure of a task, the largest of any run, that is compared with the limit."""
    near: Decimal = Decimal("0.5")
    """Share of the limit from which it is near: the greatest of a few measured tasks is not the greatest of a month's.
    Less where the vendor itself warns earlier."""


class EnginePlugin(ABC):
    """An engine: its servers, its rules and prices, and its ways to be watched and counted.

    Every command imports the module of every installed engine. What is heavy, such as an SDK, is imported by the
    methods that need it. Only `engine` and `rulebook` must be written.
    """

    name: str
    """As in the entry point: lower case letters, digits, `_`."""
    title: str
    """The vendor's own spelling."""
    unit: str
    """What the vendor calls one unit, in the singular."""
    config: type[Section]
    """The engine's section of the configuration, `[NAME]`. A key `address` names a server that is there already."""
    rank: int = 100
    """Its place among engines in reports, smaller first. Reports compare the others with the first one, and `watch`
    and `count` take it by default."""
    packages: tuple[str, ...] = ()
    """Distributions whose versions are recorded with a result."""
    modules: tuple[str, ...] = ()
    """Names under which its SDK is imported: no sample may be called so."""
    task_keys: Mapping[str, str] = {}
    """Kind of a `--task-key` → example of one, for `watch`."""
    rates_per: tuple[str, ...] = ("task", "run")
    """What a `--rate` of `count` can be of."""
    record_source: str = ""
    """The rulebook's source that existing records are: kinds that it shows need no rate."""
    counts_files: bool = False
    """Whether `counting` reads files."""
    counts_servers: bool = False
    """Whether `counting` asks servers; `durameter count` then has an option of the engine's name for the address."""
    retry_policies: Mapping[str, RetryPolicy] = {}
    """`local` and `production`: when a failed step is tried again, on the server that is started and for users."""
    capacity_gaps: Mapping[str, str] = {}
    """Measure → what to say where a result does not have it: what the engine bills or limits by it is not known."""
    quantities: Mapping[str, Quantity] = {}
    """Name → what the plans may have a price for beside the generic quantities, as `[plans.quantities.NAME]`."""
    limits: Mapping[str, LimitedMeasure] = {}
    """Id of a `fixed_limits` in the price files → what is held against it."""
    templates: str = ""
    """Package whose folder `templates` has `agent.py.j2` and `workload.py.j2` for `durameter init`."""

    exports: Mapping[str, str] = {}
    """Name → module that has it: what `import durameter` gives of this engine, such as its session class."""

    @abstractmethod
    def engine(self) -> Engine:
        """Its servers: starts and reaches them, and says what `doctor` should say."""

    @abstractmethod
    def rulebook(self) -> Rulebook:
        """Its billing rules, every open question answered by default."""

    def price_books(self) -> Traversable | None:
        """A folder of price files, `*.toml`; None where the engine has no published prices."""
        return None

    def kind_words(self) -> Mapping[str, str]:
        """Kind → when it is billed, in words; by default what the rulebook says first of it."""
        words: dict[str, str] = {}
        for rule in self.rulebook().rules:
            if rule.quantity and not rule.cloud_only:
                words.setdefault(rule.kind, rule.when)
        return words

    def recorded(self) -> Recorded:
        """What existing records of this engine show, for `--rate`."""
        return Recorded(self.rulebook(), self.record_source, self.rates_per, self.kind_words())

    def advice(self, error: BaseException) -> str:
        """What helps against an error that a workload on this engine met, as a sentence; empty where none is known."""
        del error
        return ""

    def check_watch(self, options: WatchOptions, config: Config) -> None:
        """Check, before anything starts, that options and configuration are for this engine and go together.

        Raises:
            UsageError: they do not, or the engine cannot be watched.
            EngineMissingError: a key is missing.
        """
        del options, config
        raise UsageError(f"Programs on {self.title} cannot be watched.")

    def watched(
        self, options: WatchOptions, config: Config, folder: Path, progress: Progress
    ) -> AbstractAsyncContextManager[Watched]:
        """Start or reach the engine for one watch; everything is undone on leaving.

        Args:
            options: what the user asked for; `check_watch` has passed them.
            config: the whole configuration.
            folder: for state, logs and rows.
            progress: takes lines.

        Raises:
            UsageError: the engine cannot be watched, or an option does not go with another one.
            EngineMissingError: no server can be had, or a key for it is missing.
        """
        del options, config, folder, progress
        raise UsageError(f"Programs on {self.title} cannot be watched.")

    def counting(self) -> Counting | None:
        """Counts records that are there already; None where that is not offered."""
        return None

    def price_files(self) -> Sequence[Traversable]:
        """The price files of `price_books`, in order of name."""
        folder = self.price_books()
        if folder is None:
            return ()
        return sorted((each for each in folder.iterdir() if each.name.endswith(".toml")), key=lambda each: each.name)
