"""When Temporal tries an activity again.

The server's default for activities: 1 s, doubled each time, at most 100 x the first wait, without end
(`temporalio/documentation`, encyclopedia/retry-policies). The dev server does the same.
"""

from durameter.retries import RetryPolicy

__all__ = ["TEMPORAL_DEFAULT"]

TEMPORAL_DEFAULT = RetryPolicy.exponential("Temporal's default policy", first=1, factor=2, longest=100)
"""Also on the dev server. The server adds no jitter to it."""
