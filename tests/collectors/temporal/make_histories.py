"""Writes `histories/*.json`, real histories for the tests that need no server: run it as a program."""

import asyncio
import json
import os
import re
import tempfile
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench import Bench, Handle, bench
from step_workflow import Steps

from durameter.config import Config
from durameter.engines.temporal import TemporalEngine

FOLDER = Path(__file__).with_name("histories")


async def conversation(on: Bench) -> dict[str, Handle]:
    """Most of what a workflow can do, and its child."""
    root = await on.start(
        *(
            "patch",
            "memo",
            "activity_third_time",
            "three_locals",
            "timer",
            "local",
            "patch_too",
            "child_waiting",
            "wait",
        ),
        *("condition_late", "again"),
    )
    await on.seen(root, "CHILD_WORKFLOW_EXECUTION_STARTED")
    child = on.handle("child")
    await child.execute_update(Steps.ask, "good")
    await child.signal(Steps.finish)
    await on.seen(root, "CHILD_WORKFLOW_EXECUTION_COMPLETED")
    first = on.handle(root.id, root.first_execution_run_id)
    await root.signal(Steps.poke)
    await root.result()
    return {"conversation": first, "child": child, "continued": on.handle()}


async def starts(on: Bench) -> dict[str, Handle]:
    undelayed = await on.start("wait", workflow="undelayed", start_signal="poke")
    delayed = await on.start("wait", workflow="delayed", start_signal="poke", start_delay=timedelta(seconds=1))
    signalled = await on.start("wait", workflow="signalled", start_delay=timedelta(seconds=1))
    await signalled.signal(Steps.poke)
    found = {"signal_with_start": undelayed, "delayed_signal_with_start": delayed, "delayed_then_signal": signalled}
    for handle in found.values():
        await handle.result()
    return found


async def reset(on: Bench) -> dict[str, Handle]:
    root = await on.start("activity", "wait", "activity", "hold")
    await on.seen(root, "WORKFLOW_TASK_COMPLETED", 2)
    await root.execute_update(Steps.ask, "good")
    await root.signal(Steps.poke)
    await on.seen(root, "ACTIVITY_TASK_COMPLETED", 2)
    await on.idle(root)
    old = on.handle(root.id, root.first_execution_run_id)
    new = await on.reset(root, (await on.events(root, "WORKFLOW_TASK_COMPLETED"))[1])
    await on.seen(new, "ACTIVITY_TASK_COMPLETED", 2)
    await new.signal(Steps.finish)
    await new.result()
    return {"reset_old": old, "reset_new": new}


def scrubbed(value: Any) -> Any:
    """Without what tells of the machine: names of its processes (`123@host`), and paths in stack traces."""
    if isinstance(value, dict):
        return {name: scrubbed(each) for name, each in value.items() if name != "stackTrace"}
    if isinstance(value, list):
        return [scrubbed(each) for each in value]
    return "worker" if isinstance(value, str) and re.match(r"\d+@", value) else value


async def capture(address: str, make: Callable[[Bench], Awaitable[dict[str, Handle]]]) -> None:
    async with bench(address) as on:
        for name, handle in (await make(on)).items():
            description = await handle.describe()
            history = scrubbed(json.loads((await handle.fetch_history()).to_json()))
            record = {"workflow": handle.id, "run": description.run_id, "history": history}
            (FOLDER / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")


async def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        server = await TemporalEngine().start(Config(), Path(folder), print)
        try:
            for make in (conversation, starts, reset):
                await capture(server.info.address, make)
        finally:
            await server.process.stop()


if __name__ == "__main__":
    asyncio.run(main())
    os._exit(0)  # temporalio/sdk-python issue 300
