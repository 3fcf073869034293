"""`step.ai.infer`: the server calls the model, here the local model server."""

from typing import Any

import inngest
from inngest.experimental import ai

from durameter_workloads.conformance.inngest.bench import SPEAKER, Bench
from durameter_workloads.conformance.inngest.scenario import Drive, Scenario
from durameter_workloads.conformance.inngest.work import good
from durameter_workloads.model_server import Faults

__all__ = ["SCENARIOS"]

_BODY: dict[str, Any] = {"user": SPEAKER, "messages": [{"role": "user", "content": "hello"}]}


def _asks(faults: Faults | None = None, *, status: str = "COMPLETED", caught: bool = False) -> Drive:
    async def drive(on: Bench) -> None:
        adapter = ai.openai.Adapter(auth_key="key", base_url=await on.model(faults), model="scripted")

        async def main(ctx: inngest.Context) -> None:
            try:
                await ctx.step.ai.infer("ask", adapter=adapter, body=dict(_BODY))
            except inngest.StepError:
                if not caught:
                    raise
                await ctx.step.run("rescue", good)

        await on.serve(on.function(main))
        await on.whole_life(status=status)

    return drive


async def _in_parallel(on: Bench) -> None:
    adapter = ai.openai.Adapter(auth_key="key", base_url=await on.model(), model="scripted")

    async def main(ctx: inngest.Context) -> None:
        await ctx.group.parallel(
            (
                lambda: ctx.step.ai.infer("one", adapter=adapter, body=dict(_BODY)),
                lambda: ctx.step.ai.infer("two", adapter=adapter, body=dict(_BODY)),
                lambda: ctx.step.run("work", good),
            )
        )

    await on.serve(on.function(main))
    await on.whole_life()


async def _turns(on: Bench) -> None:
    adapter = ai.openai.Adapter(auth_key="key", base_url=await on.model(), model="scripted")

    async def main(ctx: inngest.Context) -> None:
        for _ in range(3):
            await ctx.step.ai.infer("ask", adapter=adapter, body=dict(_BODY))

    await on.serve(on.function(main))
    await on.whole_life()


SCENARIOS = (
    # Asked for by one request, done by the server, passed by the next.
    Scenario(name="infer", drive=_asks(), documented={"function_run": 1, "step.ai": 1}, requests=2),
    Scenario(name="infer three times", drive=_turns, documented={"function_run": 1, "step.ai": 3}, requests=4),
    # The app is asked again before the second attempt.
    Scenario(
        name="infer, one HTTP 500",
        drive=_asks(Faults(server_errors=1, most_in_a_row=1)),
        documented={"function_run": 1, "step.ai": 1},
        upper={"step_retry": 1},
        requests=2 + 1,
    ),
    Scenario(
        name="infer, two HTTP 429",
        drive=_asks(Faults(rate_limited=1, most_in_a_row=2)),
        documented={"function_run": 1, "step.ai": 1},
        upper={"step_retry": 2},
        requests=3 + 1,
    ),
    # Three attempts; then the function is told, and fails.
    Scenario(
        name="infer fails for good",
        drive=_asks(Faults(fails_for_good=(SPEAKER,)), status="FAILED"),
        documented={"function_run": 1, "step.ai": 1},
        upper={"step_retry": 2},
        requests=3 + 1,
    ),
    # Likewise, but the function goes on with another step.
    Scenario(
        name="infer fails for good, caught",
        drive=_asks(Faults(fails_for_good=(SPEAKER,)), caught=True),
        documented={"function_run": 1, "step.ai": 1, "step.run": 1},
        upper={"step_retry": 2},
        requests=3 + 1 + 1,
    ),
    # The server does the inferences by itself; the app is asked for the step only, and at the end.
    Scenario(
        name="infer twice beside a step",
        drive=_in_parallel,
        documented={"function_run": 1, "step.ai": 2, "step.run": 1},
        requests=1 + 1 + 1,
    ),
)
