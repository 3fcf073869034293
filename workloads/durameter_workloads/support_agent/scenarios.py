"""The agent's bad days: what is injected, how often a month has it, and what is not as in production."""

from collections.abc import Sequence

from durameter import Outage, Scenario
from durameter.engines.inngest.retry_policy import INNGEST_DEV, INNGEST_PRODUCTION
from durameter.engines.temporal.retry_policy import TEMPORAL_DEFAULT
from durameter_workloads.support_agent.options import SupportAgentOptions

__all__ = ["scenarios_of"]

_LATE_SECONDS = 1.0
"""By which a retry may begin later than its policy says: it passes the server's timer and queue, and on Inngest a
request to the app. Up to 0.15 s were measured on both, on 2 quiet cores; the allowance is a choice, not a bound."""
_SHORT_SECONDS = 6.0
_LONG_SECONDS = 1800.0
_MONTH_HOURS = 730.0


def scenarios_of(options: SupportAgentOptions) -> Sequence[Scenario]:
    """All of them; none with a real model, into which nothing can be injected."""
    if options.model_base_url:
        return ()
    return (
        Scenario(
            name="rate_limit_storm",
            description="the provider answers most attempts of every model call with 429, up to 4 in a row",
            options={"faults": {"rate_limited": 0.8, "most_in_a_row": 4, "retry_after_seconds": 1}},
            timeout=600,
            default_share=1 / _MONTH_HOURS,
            why="an assumption: one hour of a month of 730 hours",
            differs="Retry-After says 1 s. A provider that asks to wait longer makes tasks later, not dearer.",
        ),
        Scenario(
            name="provider_outage",
            description=(
                "the provider is down for 30 minutes; the agent goes on trying by the engine's own retry policy"
            ),
            options={"faults": {"outage_seconds": _SHORT_SECONDS}, "max_attempts": 0},
            timeout=300,
            default_share=_LONG_SECONDS / 3600 / _MONTH_HOURS,
            why="an assumption: one outage of 30 minutes in a month of 730 hours; tasks that it finds under way come "
            "on top, as many as begin within one task's duration",
            differs=(
                f"Measured in outages of up to {_SHORT_SECONDS:g} s, each task in one of its own. An agent that gives "
                "up sooner (here after 5 attempts, if not told otherwise) fails its tasks instead."
            ),
            outage=Outage(
                seconds=_LONG_SECONDS,
                measured={
                    "temporal": TEMPORAL_DEFAULT.model_copy(update={"jitter": _LATE_SECONDS}),
                    "inngest": INNGEST_DEV.model_copy(update={"jitter": _LATE_SECONDS}),
                },
                production={"temporal": TEMPORAL_DEFAULT, "inngest": INNGEST_PRODUCTION},
            ),
        ),
        Scenario(
            name="runaway_loop",
            description="in the last turn the model never stops asking for tools; the agent gives up after 30 calls",
            options={"runaway": True},
            ends="failed",
            timeout=300,
            default_share=0.01,
            why="an assumption: 1 task in 100. Of the 120 recorded runs, 4 were cut off at 30 model calls; the "
            "measurement has those already",
            differs="The tools are quick and their results short; neither changes the count.",
        ),
        Scenario(
            name="worker_crash",
            description="the worker (Temporal) or app (Inngest) is killed in the middle of a model call, and replaced",
            options={"crashes": 1, "model_timeout_seconds": 10.0},
            timeout=600,
            default_share=0.001,
            why="an assumption: 1 task in 1000 has a model call under way when its worker dies, such as one crash a "
            "day of a worker that takes a thousand tasks a day, one at a time",
            differs=(
                "Temporal: an attempt may take 10 s instead of 150 s, so the server notices after 10 s. Inngest: the "
                "server sees the connection break at once, as in production. A process stands by and takes over at "
                "once; where a new one takes longer to start, Inngest's attempts in between fail as well, while "
                "Temporal's wait."
            ),
        ),
    )
