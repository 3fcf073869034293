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

from durameter.config import make_config
from durameter.engines.temporal.config import TemporalConfig
from durameter.engines.temporal.engine import ReachedTemporal, TemporalEngine
from durameter_workloads.conformance.temporal.bench import Bench, Handle, bench
from durameter_workloads.conformance.temporal.workflows import Steps

FOLDER = Path(__file__).with_name("histories")
_PREFIX = re.compile(r"\bc[0-9a-f]{10}-")


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
    first = on.handle("root", root.first_execution_run_id)
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
    old = on.handle("root", root.first_execution_run_id)
    new = await on.reset(root, (await on.events(root, "WORKFLOW_TASK_COMPLETED"))[1])
    await on.seen(new, "ACTIVITY_TASK_COMPLETED", 2)
    await new.signal(Steps.finish)
    await new.result()
    return {"reset_old": old, "reset_new": new}


def scrubbed(value: Any) -> Any:
    """Without what tells of the machine or of the run: process names (`123@host`), stack traces, the bench's prefix."""
    if isinstance(value, dict):
        return {name: scrubbed(each) for name, each in value.items() if name != "stackTrace"}
    if isinstance(value, list):
        return [scrubbed(each) for each in value]
    if isinstance(value, str):
        return "worker" if re.match(r"\d+@", value) else _PREFIX.sub("", value)
    return value


async def capture(reached: ReachedTemporal, make: Callable[[Bench], Awaitable[dict[str, Handle]]]) -> None:
    async with reached.session() as session, bench(session.client) as on:
        for name, handle in (await make(on)).items():
            description = await handle.describe()
            history = scrubbed(json.loads((await handle.fetch_history()).to_json()))
            record = {"workflow": _PREFIX.sub("", handle.id), "run": description.run_id, "history": history}
            (FOLDER / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")


async def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        config = make_config(temporal=TemporalConfig(tap=False))
        async with TemporalEngine().reached(config, Path(folder), print) as reached:
            for make in (conversation, starts, reset):
                await capture(reached, make)


if __name__ == "__main__":
    asyncio.run(main())
    os._exit(0)  # temporalio/sdk-python issue 300
