"""Wait until what an event started has ended: what nearly every driver on Inngest does last."""

import asyncio

from durameter.engines.inngest.session import InngestSession
from durameter.workload import TaskFailedError
from durameter_collectors.inngest.graphql import ENDED

__all__ = ["wait_for_runs"]

_LOOK_SECONDS = 0.2


async def wait_for_runs(session: InngestSession, event: str) -> None:
    """Wait until every run that an event started has ended. Reading the runs is free.

    It waits for the first of them as long as the task may take.

    Args:
        session: the reached server.
        event: id of the event, as `client.send` gave it.

    Raises:
        TaskFailedError: a run failed or was cancelled.
    """
    while True:
        runs = await session.api.runs_of_event(event)
        if runs and all(run.status in ENDED for run in runs):
            break
        await asyncio.sleep(_LOOK_SECONDS)
    for run in runs:
        if run.status in ("FAILED", "CANCELLED"):
            raise TaskFailedError(f"run {run.id} of {run.function.slug} is {run.status.lower()}")
