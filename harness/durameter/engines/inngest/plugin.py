"""Inngest, as durameter finds it by its entry point."""

from durameter.engines.base import Engine, EnginePlugin
from durameter.engines.inngest.config import InngestConfig

__all__ = ["InngestPlugin", "plugin"]


class InngestPlugin(EnginePlugin):
    """Inngest."""

    name = "inngest"
    unit = "execution"
    config = InngestConfig

    def engine(self) -> Engine:
        """Its servers."""
        from durameter.engines.inngest.engine import InngestEngine

        return InngestEngine()


plugin = InngestPlugin()
