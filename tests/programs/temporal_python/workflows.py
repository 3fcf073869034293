import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from activities import Order, charge_card, pack_parcel, reserve_stock, send_invoice


@workflow.defn
class CheckoutWorkflow:
    """Take an order until its parcel is packed."""

    def __init__(self) -> None:
        self.status = "new"
        self.address = ""
        self.approved = False

    @workflow.run
    async def run(self, order: Order) -> str:
        await workflow.execute_activity(reserve_stock, order, start_to_close_timeout=timedelta(seconds=10))
        self.status = "waiting for approval"
        await workflow.wait_condition(lambda: self.approved)
        payment = await workflow.execute_activity(
            charge_card,
            order,
            start_to_close_timeout=timedelta(seconds=10),
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=100)),
        )
        # Give the customer a moment to change their mind.
        await asyncio.sleep(0.5)
        self.status = "packing"
        boxes = await workflow.execute_child_workflow(ShipmentWorkflow.run, order, id=f"order-{order.number}/shipment")
        self.status = "sent"
        return f"{payment}: {boxes} boxes to {self.address}"

    @workflow.signal
    def approve(self) -> None:
        self.approved = True

    @workflow.query
    def current_status(self) -> str:
        return self.status

    @workflow.update
    def set_address(self, address: str) -> str:
        previous, self.address = self.address, address
        return previous

    @set_address.validator
    def validate_address(self, address: str) -> None:
        if not address:
            raise ValueError("an address cannot be empty")


@workflow.defn
class ShipmentWorkflow:
    @workflow.run
    async def run(self, order: Order) -> int:
        return await workflow.execute_activity(
            pack_parcel,
            order,
            start_to_close_timeout=timedelta(minutes=1),
            heartbeat_timeout=timedelta(seconds=10),
        )


@workflow.defn
class InvoiceWorkflow:
    """Send an invoice, and send it again when nobody has paid in time."""

    def __init__(self) -> None:
        self.paid = False

    @workflow.run
    async def run(self, number: int) -> int:
        for reminders in range(2):
            await workflow.execute_activity(send_invoice, number, start_to_close_timeout=timedelta(seconds=10))
            try:
                await workflow.wait_condition(lambda: self.paid, timeout=timedelta(milliseconds=500))
            except TimeoutError:
                continue
            return reminders
        return 2

    @workflow.signal
    def pay(self) -> None:
        self.paid = True
