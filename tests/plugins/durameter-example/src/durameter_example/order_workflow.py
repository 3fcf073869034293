"""The workflow and its activities. Temporal's sandbox imports this file: it knows nothing of durameter."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import RetryPolicy

from durameter_example import work

_LIMIT = timedelta(seconds=10)
_RETRIES = RetryPolicy(initial_interval=timedelta(milliseconds=100), backoff_coefficient=1.0)


@dataclass(frozen=True)
class Order:
    """What a workflow is started with."""

    name: str
    items: int
    at_once: bool


class Activities:
    """The order's activities."""

    def __init__(self, payment_failures: int) -> None:
        self._failures = payment_failures
        self._tried: Counter[str] = Counter()

    @activity.defn
    async def pay(self, order: str) -> str:
        """Fails as often as it was told to."""
        self._tried[order] += 1
        if self._tried[order] <= self._failures:
            raise ConnectionError(work.PAYMENT_DOWN)
        return await work.pay(order)

    @activity.defn
    async def pack(self, items: list[int]) -> list[str]:
        """One item, or all of them."""
        return [await work.pack(item) for item in items]

    @activity.defn
    async def send(self, order: str) -> str:
        """The parcel."""
        return await work.send(order)


@workflow.defn
class OrderWorkflow:
    """An order from payment to parcel."""

    @workflow.run
    async def run(self, order: Order) -> str:
        """Pay, pack, send."""
        await workflow.execute_activity_method(
            Activities.pay, order.name, start_to_close_timeout=_LIMIT, retry_policy=_RETRIES
        )
        items = list(range(1, order.items + 1))
        for parcel in [items] if order.at_once else [[item] for item in items]:
            await workflow.execute_activity_method(Activities.pack, parcel, start_to_close_timeout=_LIMIT)
        return await workflow.execute_activity_method(Activities.send, order.name, start_to_close_timeout=_LIMIT)
