"""A shop on Inngest, in one program that serves its functions and sends orders: `shop.py PORT MODE [APP]`.

Written as its user would, with the plain SDK and nothing of durameter's.
"""

import asyncio
import os
import sys
import threading
import urllib.request
from datetime import timedelta
from typing import Any

import fastapi
import inngest
import inngest.fast_api
import uvicorn

port, mode, app_id = int(sys.argv[1]), sys.argv[2], (*sys.argv[3:], "shop")[0]
options: dict[str, Any] = {}
if mode == "hard":
    options = {
        "is_production": False,
        "api_base_url": "http://localhost:8288",
        "event_api_base_url": "http://localhost:8288",
    }
if mode == "cloud":
    options = {"is_production": True, "signing_key": "signkey-prod-00", "api_base_url": "http://127.0.0.1:9"}
client = inngest.Inngest(app_id=app_id, **options)
ended: list[str] = []


@client.create_function(fn_id="order", trigger=inngest.TriggerEvent(event=f"{app_id}/order"))
async def order(ctx: inngest.Context) -> str:
    await ctx.step.run("charge", lambda: None)
    await ctx.step.invoke("pack", function=pack)
    await ctx.step.send_event("tell", inngest.Event(name=f"{app_id}/packed"))
    ended.append("order")
    return "done"


@client.create_function(fn_id="pack", trigger=inngest.TriggerEvent(event=f"{app_id}/pack"))
async def pack(ctx: inngest.Context) -> None:
    await ctx.step.run("wrap", lambda: None)


@client.create_function(fn_id="packed", trigger=inngest.TriggerEvent(event=f"{app_id}/packed"))
async def packed(_ctx: inngest.Context) -> None:
    ended.append("packed")


async def clean_up(ctx: inngest.Context) -> None:
    await ctx.step.run("clean", lambda: None)
    ended.append("clean")


@client.create_function(
    fn_id="refund", trigger=inngest.TriggerEvent(event=f"{app_id}/refund"), retries=0, on_failure=clean_up
)
async def refund(ctx: inngest.Context) -> None:
    def fail() -> None:
        raise ValueError("no such order")

    await ctx.step.run("pay back", fail)


@client.create_function(fn_id="wait", trigger=inngest.TriggerEvent(event=f"{app_id}/wait"))
async def wait(ctx: inngest.Context) -> None:
    await ctx.step.run("begin", lambda: None)
    ended.append("begin")
    await ctx.step.sleep("a day", timedelta(days=1))


def serve() -> None:
    app = fastapi.FastAPI()
    fixed = {"serve_origin": f"http://127.0.0.1:{port}"} if mode == "fixed" else {}
    functions: list[Any] = [order, pack, packed, refund, wait]
    path = {"serve_path": "/elsewhere"} if mode.endswith("elsewhere") else {}
    if mode != "website":
        inngest.fast_api.serve(app, client, functions, **fixed, **path)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


async def send(name: str, customer: str) -> None:
    await client.send(inngest.Event(name=f"{app_id}/{name}", data={"customer": {"id": customer}}))


async def until(*what: str) -> None:
    """Wait until all that was expected has been done."""
    while sorted(ended) != sorted(what):
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.3)  # the last answers are on their way


async def main() -> None:
    if mode == "hurry":
        await send("order", "ann")
        await asyncio.sleep(1)
    threading.Thread(target=serve, daemon=True).start()
    if mode == "self":
        await asyncio.sleep(0.2)
        request = urllib.request.Request(f"http://127.0.0.1:{port}/api/inngest", method="PUT")
        await asyncio.to_thread(urllib.request.urlopen, request)
    else:
        await asyncio.sleep(float(os.environ.get("SHOP_SECONDS", "1.5")))
    if mode in {"work", "hard", "elsewhere"}:
        for customer in ("ann", "bob", "ann"):
            await send("order", customer)
        await send("refund", "cyd")
        await until(*["order", "packed"] * 3, "clean")
    elif mode in {"self", "fixed"}:
        await send("order", "ann")
        await until("order", "packed")
    elif mode == "leave":
        await send("wait", "ann")
        await until("begin")
    elif mode == "typo":
        await send("oder", "ann")
        await asyncio.sleep(0.5)


asyncio.run(main())
