from dataclasses import dataclass

from temporalio import activity


@dataclass
class Order:
    number: int
    boxes: int
    declines: int = 0


@activity.defn
async def reserve_stock(order: Order) -> str:
    return f"reservation-{order.number}"


@activity.defn
async def charge_card(order: Order) -> str:
    """Charge the customer; the card company sometimes needs more than one try."""
    if activity.info().attempt <= order.declines:
        raise RuntimeError("the card company did not answer")
    return f"payment-{order.number}"


@activity.defn
async def pack_parcel(order: Order) -> int:
    """Pack box after box, and say how far we are."""
    for box in range(order.boxes):
        activity.heartbeat(box)
    return order.boxes


@activity.defn
async def send_invoice(number: int) -> None:
    activity.logger.info("invoice of order %s sent", number)
