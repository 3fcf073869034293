"""Temporal, as durameter finds it by its entry point."""

from durameter.engines.base import Engine, EnginePlugin
from durameter.engines.temporal.config import TemporalConfig

__all__ = ["TemporalPlugin", "plugin"]


class TemporalPlugin(EnginePlugin):
    """Temporal."""

    name = "temporal"
    unit = "Action"
    config = TemporalConfig

    def engine(self) -> Engine:
        """Its servers."""
        from durameter.engines.temporal.engine import TemporalEngine

        return TemporalEngine()


plugin = TemporalPlugin()
