"""For a server with keys: `desk.py PORT APP CUSTOMER… [stay] [busy]` registers itself and sends its orders.

`busy` goes on for ever, with new runs all the time.
"""

import asyncio
import sys
import threading
from datetime import timedelta

import fastapi
import httpx
import inngest
import inngest.fast_api
import uvicorn

port, app_id, customers = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
stays, busy = "stay" in customers, "busy" in customers
client = inngest.Inngest(app_id=app_id)
ended: list[str] = []


@client.create_function(fn_id="order", trigger=inngest.TriggerEvent(event=f"{app_id}/order"))
async def order(ctx: inngest.Context) -> None:
    await ctx.step.run("charge", lambda: None)
    await ctx.step.sleep("a moment", timedelta(seconds=1))
    await ctx.step.invoke("pack", function=pack)
    await ctx.step.send_event("tell", inngest.Event(name=f"{app_id}/packed"))
    ended.append("order")


@client.create_function(fn_id="pack", trigger=inngest.TriggerEvent(event=f"{app_id}/pack"))
async def pack(ctx: inngest.Context) -> None:
    await ctx.step.run("wrap", lambda: None)


@client.create_function(fn_id="packed", trigger=inngest.TriggerEvent(event=f"{app_id}/packed"))
async def packed(_ctx: inngest.Context) -> None:
    ended.append("packed")


def serve() -> None:
    app = fastapi.FastAPI()
    inngest.fast_api.serve(app, client, [order, pack, packed])
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


def register() -> None:
    httpx.put(f"http://127.0.0.1:{port}/api/inngest").raise_for_status()


async def main() -> None:
    threading.Thread(target=serve, daemon=True).start()
    await asyncio.sleep(1)
    await asyncio.to_thread(register)
    while busy:
        await client.send(inngest.Event(name=f"{app_id}/packed"))
        await asyncio.sleep(0.3)
    sent = [customer for customer in customers if customer != "stay"]
    await client.send(
        [
            inngest.Event(name=f"{app_id}/order", id=f"{app_id} order {number}", data={"customer": {"id": customer}})
            for number, customer in enumerate(sent)
        ]
    )
    while len(ended) < 2 * len(sent) or stays:
        await asyncio.sleep(0.1)
    await asyncio.sleep(0.5)


asyncio.run(main())
