"""`python -m durameter_workloads.support_agent.temporal.worker_process`: the agent's worker, to be killed."""

from collections import Counter
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

from temporalio.client import Client

from durameter_workloads.support_agent.model import Model
from durameter_workloads.support_agent.options import NO_KEY
from durameter_workloads.support_agent.process import stand_by
from durameter_workloads.support_agent.temporal.worker import agent_worker

_STICKY_SECONDS = 1.0
"""How long a workflow task waits for the worker that had its workflow before, which may be dead; free of charge."""


async def prepare(order: dict[str, Any]) -> AbstractAsyncContextManager[Any]:
    """A connected worker that has not begun to poll."""
    client = await Client.connect(order["address"], namespace=order["namespace"])
    model = Model.at(order["model_base_url"], key=NO_KEY, name=order["model"], keep_alive=False)
    return agent_worker(
        client, order["task_queue"], model, Counter(), sticky_timeout=timedelta(seconds=_STICKY_SECONDS)
    )


if __name__ == "__main__":
    stand_by(prepare)
