"""The toy, as durameter finds it by its entry point."""

import tomllib
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from durameter.engines import (
    Config,
    Counting,
    Engine,
    EnginePlugin,
    Progress,
    Quantity,
    RetryPolicy,
    Rulebook,
    UsageError,
    Watched,
    WatchOptions,
)
from durameter_toy.config import ToyConfig

__all__ = ["ToyPlugin", "plugin"]


@cache
def _rules() -> Rulebook:
    text = files("durameter_toy").joinpath("rules.toml").read_text()
    return Rulebook.model_validate(tomllib.loads(text, parse_float=Decimal)).answered({})


class ToyPlugin(EnginePlugin):
    """An engine in memory."""

    name = "toy"
    title = "Toy"
    unit = "tick"
    config = ToyConfig
    rank = 90
    packages = ("durameter-toy",)
    task_keys = {"before": "before:-"}
    record_source = "log"
    counts_files = True
    retry_policies = {"local": RetryPolicy(name="at once", waits=(0.001,))}
    quantities = {"lines": Quantity("lines of log", "lines")}
    capacity_gaps = {"lines": "Lines are not known: this result has no measure of them."}
    templates = "durameter_toy"

    def engine(self) -> Engine:
        """Its servers."""
        from durameter_toy.engine import ToyEngine

        return ToyEngine(_rules())

    def rulebook(self) -> Rulebook:
        """Its billing rules."""
        return _rules()

    def price_books(self) -> Traversable:
        """Its price list."""
        return files("durameter_toy").joinpath("prices")

    def check_watch(self, options: WatchOptions, config: Config) -> None:
        """It can only be watched on a server of its own."""
        if options.attach or options.app or options.query:
            raise UsageError("The toy is watched with a command alone: leave --attach, --app and --query out.")

    def watched(
        self, options: WatchOptions, config: Config, folder: Path, progress: Progress
    ) -> AbstractAsyncContextManager[Watched]:
        """A server of its own, for one watch."""
        from durameter_toy.engine import ToyEngine
        from durameter_toy.watch import watched

        return watched(ToyEngine(_rules()), options, config, folder, progress)

    def counting(self) -> Counting:
        """Logs in files."""
        from durameter_toy.count import CountLogs

        return CountLogs(self.recorded())


plugin = ToyPlugin()
