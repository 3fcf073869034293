"""Start a worker, take two orders and write an invoice, and end.

    python run_orders.py

needs a Temporal server on localhost:7233, such as `temporal server start-dev`.
"""

import asyncio

from activities import Order, charge_card, pack_parcel, reserve_stock, send_invoice
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.worker import Worker
from workflows import CheckoutWorkflow, InvoiceWorkflow, ShipmentWorkflow

TASK_QUEUE = "orders"


async def take_order(client: Client, order: Order, addresses: list[str]) -> str:
    handle = await client.start_workflow(
        CheckoutWorkflow.run, order, id=f"order-{order.number}/checkout", task_queue=TASK_QUEUE
    )
    for address in addresses:
        try:
            await handle.execute_update(CheckoutWorkflow.set_address, address)
        except WorkflowUpdateFailedError as error:
            print(f"order {order.number}: {error.cause}")
    print(f"order {order.number}: {await handle.query(CheckoutWorkflow.current_status)}")
    await handle.signal(CheckoutWorkflow.approve)
    return await handle.result()


async def write_invoice(client: Client, number: int) -> str:
    reminders = await client.execute_workflow(
        InvoiceWorkflow.run, number, id=f"order-{number}/invoice", task_queue=TASK_QUEUE
    )
    return f"invoice of order {number}: {reminders} reminders"


async def main() -> None:
    client = await Client.connect("localhost:7233")
    async with Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=[CheckoutWorkflow, ShipmentWorkflow, InvoiceWorkflow],
        activities=[reserve_stock, charge_card, pack_parcel, send_invoice],
    ):
        results = await asyncio.gather(
            take_order(client, Order(number=1, boxes=3), ["", "1 Main Street"]),
            take_order(client, Order(number=2, boxes=5, declines=2), ["2 High Street", "3 High Street"]),
            write_invoice(client, 1),
        )
    for result in results:
        print(result)


if __name__ == "__main__":
    asyncio.run(main())
