"""Runs that are run again: a new run each."""

import inngest

from durameter_workloads.conformance.inngest.bench import Bench, expect
from durameter_workloads.conformance.inngest.scenario import Need, Scenario
from durameter_workloads.conformance.inngest.work import good

__all__ = ["SCENARIOS"]


async def _three(ctx: inngest.Context) -> None:
    for name in ("first", "second", "third"):
        await ctx.step.run(name, good)


async def _whole(on: Bench) -> None:
    await on.serve(on.function(_three))
    await on.whole_life()
    [run] = await on.runs()
    await on.session.api.ask("mutation($id: ULID!){rerun(runID: $id)}", id=run.id)
    expect({each.status for each in await on.until_ended(2)}, {"COMPLETED"})


async def _from_a_step(on: Bench) -> None:
    await on.serve(on.function(_three))
    await on.whole_life()
    [run] = await on.runs()
    [second] = [step.id for step in await on.steps(run.id) if step.name == "second"]
    await on.session.api.ask(
        "mutation($id: ULID!, $step: String!){rerun(runID: $id, fromStep: {stepID: $step})}", id=run.id, step=second
    )
    expect({each.status for each in await on.until_ended(2)}, {"COMPLETED"})


async def _can_rerun_from(on: Bench) -> bool:
    told = await on.session.api.ask('{__type(name: "Mutation"){fields{name args{name}}}}')
    fields = {each["name"]: {arg["name"] for arg in each["args"]} for each in (told.get("__type") or {})["fields"]}
    return "fromStep" in fields.get("rerun", set())


_FROM_A_STEP = Need("reruns from a step", _can_rerun_from)

_AGAIN = {"runs/events": {"rerun": -1}}
"""One event, two runs of its one listener."""

SCENARIOS = (
    # Twice 1 + 3.
    Scenario(
        name="rerun",
        drive=_whole,
        documented={"function_run": 2, "step.run": 2 * 3},
        requests=2 * 4,
        differences=_AGAIN,
    ),
    # 1 + 3, and a new run that does the second and the third step; the first one's result is taken over.
    Scenario(
        name="rerun from a step",
        drive=_from_a_step,
        documented={"function_run": 2, "step.run": 3 + 2},
        requests=4 + 3,
        differences=_AGAIN,
        needs=(_FROM_A_STEP,),
    ),
)
