"""Inngest: the dev server, found, fetched or built, or a server that is already there, reached through a tap."""

from durameter.engines.inngest.engine import InngestEngine, ReachedInngest
from durameter.engines.inngest.session import InngestSession

__all__ = ["InngestEngine", "InngestSession", "ReachedInngest"]
