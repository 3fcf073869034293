"""What the order's steps do. A real one would call services here."""

PAYMENT_DOWN = "the payment service is down"


async def pay(order: str) -> str:
    """Take the money."""
    return f"{order} is paid"


async def pack(item: int) -> str:
    """Put one item into the parcel."""
    return f"item {item} is packed"


async def send(order: str) -> str:
    """Hand the parcel over."""
    return f"{order} is sent"
