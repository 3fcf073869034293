"""When Inngest tries a step again.

- In production: `BackoffTable` and `TableBackoff` in `pkg/backoff/backoff.go`, and `MaxRetries` in
  `pkg/consts/consts.go`, of inngest/inngest v1.44.0 (commit a54673a45b00): a fixed table, after its end its last
  entry, plus up to 30 s drawn at random. That Cloud uses this default of the public source is inferred.
- On the dev server: `--retry-interval N` replaces the table by N seconds each time (`GetLinearBackoffFunc`, used in
  `pkg/devserver/devserver.go`).
"""

from durameter.retries import RetryPolicy

__all__ = ["INNGEST_DEV", "INNGEST_PRODUCTION"]

INNGEST_PRODUCTION = RetryPolicy(
    name="Inngest's production back-off",
    waits=(15, 30, 60, 120, 300, 600, 1200, 2400, 3600, 7200),
    jitter=30,
    most_retries=20,
)
"""With the most retries that a function may have."""

INNGEST_DEV = RetryPolicy(name="the Inngest dev server's back-off", waits=(1,), most_retries=20)
"""`--retry-interval 1`, as durameter starts it."""
