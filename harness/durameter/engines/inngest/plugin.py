"""Inngest, as durameter finds it by its entry point."""

from contextlib import AbstractAsyncContextManager
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from durameter.config import Config
from durameter.engines.base import Engine, Progress
from durameter.engines.counting import Counting
from durameter.engines.discovery import Watched, WatchOptions
from durameter.engines.inngest.config import InngestConfig
from durameter.engines.inngest.retry_policy import INNGEST_DEV, INNGEST_PRODUCTION
from durameter.engines.plugin import EnginePlugin, LimitedMeasure
from durameter_collectors.rulebook import Rulebook, load_rulebook

__all__ = ["InngestPlugin", "plugin"]


class InngestPlugin(EnginePlugin):
    """Inngest, billed by executions."""

    name = "inngest"
    title = "Inngest"
    unit = "execution"
    config = InngestConfig
    rank = 20
    packages = ("inngest",)
    modules = ("inngest",)
    task_keys = {"event": "event:data.conversation_id"}
    rates_per = ("task", "run", "step")
    record_source = "trace"
    counts_servers = True
    retry_policies = {"local": INNGEST_DEV, "production": INNGEST_PRODUCTION}
    capacity_gaps = {
        "step_seconds": "Concurrent steps are not known: this result has no times of steps at work.",
        "events": "Events are not known: nothing was between the clients and the server.",
    }
    limits = {
        "steps_per_function": LimitedMeasure("steps_in_longest_run"),
        "state_bytes": LimitedMeasure("state_bytes_longest"),
        "step_output_bytes": LimitedMeasure("step_output_bytes_largest"),
    }
    templates = "durameter.engines.inngest"
    exports = {"InngestSession": "durameter.inngest", "wait_for_runs": "durameter.inngest"}

    def engine(self) -> Engine:
        """Its servers."""
        from durameter.engines.inngest.engine import InngestEngine

        return InngestEngine()

    def rulebook(self) -> Rulebook:
        """Its billing rules."""
        return load_rulebook(self.name)

    def price_books(self) -> Traversable:
        """Inngest Cloud's price lists."""
        return files("durameter.engines.inngest").joinpath("prices")

    def check_watch(self, options: WatchOptions, config: Config) -> None:
        """Check what a watch of Inngest needs."""
        from durameter.engines.inngest.watch.options import check

        check(options, config)

    def watched(
        self, options: WatchOptions, config: Config, folder: Path, progress: Progress
    ) -> AbstractAsyncContextManager[Watched]:
        """Start or reach Inngest for one watch."""
        from durameter.engines.inngest.watch.dev_server import watched

        return watched(options, config, folder, progress)

    def counting(self) -> Counting:
        """Runs that a server has."""
        from durameter.engines.inngest.count_runs import CountRuns

        return CountRuns()


plugin = InngestPlugin()
