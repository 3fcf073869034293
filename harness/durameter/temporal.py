"""What a workload on Temporal uses."""

from durameter.engines.temporal.session import TemporalSession

__all__ = ["TemporalSession"]
