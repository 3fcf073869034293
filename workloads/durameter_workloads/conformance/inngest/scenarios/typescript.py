"""Apps in TypeScript, run by Node.js: the same counts by another SDK, whose steps may be reported by checkpoints.

The functions are in `typescript/programs.mjs`. With checkpointing a request goes on with the next step, and tells the
server of each by a call of its own, until the server has to do something (sleep, wait, invoke, infer, fetch), a step
fails or several are planned. After a failure only the failed step is done, and the reply tells of it.
"""

from collections.abc import Awaitable, Callable

import httpx

from durameter_workloads.conformance.inngest.bench import Bench, expect
from durameter_workloads.conformance.inngest.node_app import Checkpointing, node_app, node_there
from durameter_workloads.conformance.inngest.scenario import Drive, Need, Scenario

__all__ = ["SCENARIOS"]

_IN_TWOS: Checkpointing = {"bufferedSteps": 2, "maxInterval": "10s"}


async def _node(_on: Bench) -> bool | str:
    return await node_there()


async def _checkpoints(on: Bench) -> bool:
    """The route is there: another method than its own is refused then, and is not found otherwise (1.12.1)."""
    async with httpx.AsyncClient() as http:
        answer = await http.options(f"{on.session.info.address}/v1/checkpoint")
    return answer.status_code == httpx.codes.METHOD_NOT_ALLOWED


async def _defers(on: Bench) -> bool:
    answer = await on.session.api.ask('{__type(name: "FunctionRunV2"){fields{name}}}')
    return "defers" in {each["name"] for each in (answer.get("__type") or {}).get("fields") or []}


_NODE = Need("apps in TypeScript", _node)
_CHECKPOINTED = (_NODE, Need("checkpoints", _checkpoints))
_DEFERS = Need("functions that are put off until a run's end", _defers)


def _life(
    program: str,
    *,
    checkpointing: Checkpointing = True,
    streaming: bool = False,
    status: str = "COMPLETED",
    timeout: str = "",
    then: Callable[[Bench], Awaitable[None]] | None = None,
) -> Drive:
    """The whole life of the program's run.

    Args:
        program: its name.
        checkpointing: of the app's client.
        streaming: whether the app streams its replies.
        status: how the run must end.
        timeout: what it is told.
        then: what is done meanwhile, once its event was sent.
    """

    async def drive(on: Bench) -> None:
        app = await on.enter(node_app(on.session, on.prefix, program, checkpointing=checkpointing, streaming=streaming))
        await app.alive(_lived(on))

    async def _lived(on: Bench) -> None:
        await on.send("root", data={"timeout": timeout} if timeout else None)
        if then is not None:
            await then(on)
        ended = await on.until_ended()
        expect({run.status for run in ended}, {status})

    return drive


async def _answered(on: Bench) -> None:
    [run] = await on.until_runs(1)
    await on.until_step(run.id, "WAIT_FOR_EVENT")  # an event that came before the wait would not be met
    await on.send("answer", root=False)


async def _signalled(on: Bench) -> None:
    [run] = await on.until_runs(1)
    await on.until_step(run.id, "WAIT_FOR_SIGNAL")
    await on.send("tell")
    await on.until_ended(2)


SCENARIOS = (
    # 1 + 3. One request per step and one that finds the end.
    Scenario(
        name="typescript, three steps",
        drive=_life("three_steps", checkpointing=False),
        documented={"function_run": 1, "step.run": 3},
        requests=3 + 1,
        free=("sdk_request",),
        needs=(_NODE,),
    ),
    # The same executions by one request and three checkpoints.
    Scenario(
        name="typescript, three steps, checkpointed",
        drive=_life("three_steps"),
        documented={"function_run": 1, "step.run": 3},
        requests=1,
        free=("sdk_request", "checkpoint"),
        needs=_CHECKPOINTED,
    ),
    # Two steps in one checkpoint, the third in the reply that ends the run.
    Scenario(
        name="typescript, three steps, checkpointed in twos",
        drive=_life("three_steps", checkpointing=_IN_TWOS),
        documented={"function_run": 1, "step.run": 3},
        requests=1,
        free=("sdk_request", "checkpoint"),
        needs=_CHECKPOINTED,
    ),
    # The SDK numbers steps of one id: four steps.
    Scenario(
        name="typescript, the same id four times, checkpointed",
        drive=_life("same_id"),
        documented={"function_run": 1, "step.run": 4},
        requests=1,
        needs=_CHECKPOINTED,
    ),
    # The plan, one per step, one that does the last step and ends.
    Scenario(
        name="typescript, parallel, then one, checkpointed",
        drive=_life("parallel"),
        documented={"function_run": 1, "step.run": 3 + 1},
        requests=1 + 3 + 1,
        needs=_CHECKPOINTED,
    ),
    # The loser is done all the same. How often the server asks what is next depends on when it ends.
    Scenario(
        name="typescript, race",
        drive=_life("race", checkpointing=False),
        documented={"function_run": 1, "step.run": 2 + 1},
        needs=(_NODE,),
    ),
    # A step; the server's own step, for which the app is asked; the end.
    Scenario(
        name="typescript, fetch",
        drive=_life("fetch", checkpointing=False),
        documented={"function_run": 1, "step.run": 1, "step.ai": 1},
        requests=1 + 1 + 1,
        needs=(_NODE,),
    ),
    # The first request does the step and asks to fetch, which only the server can do.
    Scenario(
        name="typescript, fetch, checkpointed",
        drive=_life("fetch"),
        documented={"function_run": 1, "step.run": 1, "step.ai": 1},
        requests=1 + 1,
        needs=_CHECKPOINTED,
    ),
    # A wrapped call is a step of the app.
    Scenario(
        name="typescript, ai.wrap",
        drive=_life("ai_wrap", checkpointing=False),
        documented={"function_run": 1, "step.run": 1},
        by={"step.run": {"ai_wrap": 1}},
        requests=1 + 1,
        needs=(_NODE,),
    ),
    Scenario(
        name="typescript, ai.wrap, checkpointed",
        drive=_life("ai_wrap"),
        documented={"function_run": 1, "step.run": 1},
        by={"step.run": {"ai_wrap": 1}},
        requests=1,
        needs=_CHECKPOINTED,
    ),
    # An inference is done by the server: the app asks for it, and is told, with checkpoints as without.
    Scenario(
        name="typescript, ai.infer, checkpointed",
        drive=_life("ai_infer"),
        documented={"function_run": 1, "step.ai": 1},
        requests=1 + 1,
        needs=_CHECKPOINTED,
    ),
    # The model answers 500 once: the app is asked again, and asks again.
    Scenario(
        name="typescript, ai.infer that fails once",
        drive=_life("ai_infer_fails", checkpointing=False),
        documented={"function_run": 1, "step.ai": 1},
        upper={"step_retry": 1},
        requests=2 + 1,
        needs=(_NODE,),
    ),
    # One request until the pause, one after it.
    Scenario(
        name="typescript, sleep, checkpointed",
        drive=_life("sleep"),
        documented={"function_run": 1, "step.run": 2, "step.sleep": 1},
        requests=1 + 1,
        needs=_CHECKPOINTED,
    ),
    Scenario(
        name="typescript, wait for an event, met, checkpointed",
        drive=_life("wait", timeout="60s", then=_answered),
        documented={"function_run": 1, "step.run": 2, "step.wait_for_event": 1},
        requests=1 + 1,
        needs=_CHECKPOINTED,
    ),
    Scenario(
        name="typescript, wait for an event, timed out, checkpointed",
        drive=_life("wait", timeout="1s"),
        documented={"function_run": 1, "step.run": 2, "step.wait_for_event": 1},
        requests=1 + 1,
        needs=_CHECKPOINTED,
    ),
    # The one waits: asked, told. The other one sends the signal, in a step: asked, ended.
    Scenario(
        name="typescript, wait for a signal",
        drive=_life("signal", checkpointing=False, then=_signalled),
        documented={"function_run": 1 + 1, "step.wait_for_signal": 1, "step.run": 1},
        by={"step.run": {"send_signal": 1}},
        requests=2 + 2,
        needs=(_NODE,),
    ),
    # The caller is asked and told; the child does its step in one request.
    Scenario(
        name="typescript, invoke, checkpointed",
        drive=_life("invoke"),
        documented={"function_run": 1 + 1, "step.invoke": 1, "step.run": 1},
        by={"function_run": {"run": 1, "invoked_run": 1}},
        requests=2 + 1,
        needs=_CHECKPOINTED,
    ),
    # One step sends three events: two of them start two functions each, with one step each; nobody hears the third.
    Scenario(
        name="typescript, fan out, checkpointed",
        drive=_life("fan_out"),
        documented={"function_run": 1 + 2 * 2, "step.run": 1 + 2 * 2},
        by={"step.run": {"send_event": 1, "step_run": 2 * 2}},
        requests=1 + 2 * 2,
        free=("event",),
        needs=_CHECKPOINTED,
    ),
    # Before, the attempt that fails, the one that does not, after, the end.
    Scenario(
        name="typescript, step that fails once",
        drive=_life("step_fails_once", checkpointing=False),
        documented={"function_run": 1, "step.run": 3},
        upper={"step_retry": 1},
        requests=1 + 2 + 1 + 1,
        needs=(_NODE,),
    ),
    # Before and the failure; the step again, alone; after and the end.
    Scenario(
        name="typescript, step that fails once, checkpointed",
        drive=_life("step_fails_once"),
        documented={"function_run": 1, "step.run": 3},
        upper={"step_retry": 1},
        requests=1 + 1 + 1,
        needs=_CHECKPOINTED,
    ),
    # Three attempts; then the function is told, does another step, and ends.
    Scenario(
        name="typescript, failed step, caught, checkpointed",
        drive=_life("step_caught"),
        documented={"function_run": 1, "step.run": 2},
        upper={"step_retry": 2},
        requests=3 + 1,
        needs=_CHECKPOINTED,
    ),
    # The plan, one attempt and two, the end.
    Scenario(
        name="typescript, parallel, one fails once",
        drive=_life("parallel_fails", checkpointing=False),
        documented={"function_run": 1, "step.run": 2},
        upper={"step_retry": 1},
        requests=1 + 1 + 2 + 1,
        needs=(_NODE,),
    ),
    # Unlike in Python, a step that gives up leaves a step. Before and the step; the function is told, and fails.
    Scenario(
        name="typescript, step that gives up, checkpointed",
        drive=_life("non_retriable", status="FAILED"),
        documented={"function_run": 1, "step.run": 2},
        requests=1 + 1,
        needs=_CHECKPOINTED,
    ),
    # Unlike in Python, it is tried again as the step that it is. Before, twice the step, the end.
    Scenario(
        name="typescript, step that is to be retried later",
        drive=_life("retry_after", checkpointing=False),
        documented={"function_run": 1, "step.run": 2},
        upper={"step_retry": 1},
        requests=1 + 2 + 1,
        needs=(_NODE,),
    ),
    # The function fails twice after its step, and ends in the third request: no step is tried again.
    Scenario(
        name="typescript, function that fails twice, checkpointed",
        drive=_life("function_fails"),
        documented={"function_run": 1, "step.run": 1},
        requests=3,
        free=("function_retry",),
        needs=_CHECKPOINTED,
    ),
    # Two attempts, and the function is told and fails; the handler is a run with one step.
    Scenario(
        name="typescript, failure handler, checkpointed",
        drive=_life("on_failure", status="FAILED"),
        documented={"function_run": 1 + 1, "step.run": 1 + 1},
        by={"function_run": {"run": 1, "failure_handler": 1}},
        upper={"step_retry": 1},
        requests=2 + 1 + 1,
        needs=_CHECKPOINTED,
    ),
    # A step whose result has two million bytes, in a streamed reply; another one; the end.
    Scenario(
        name="typescript, large result, streamed",
        drive=_life("large", checkpointing=False, streaming=True),
        documented={"function_run": 1, "step.run": 2},
        requests=2 + 1,
        needs=(_NODE,),
    ),
    # The same in a checkpoint; what is streamed is the end.
    Scenario(
        name="typescript, large result, streamed, checkpointed",
        drive=_life("large", streaming=True),
        documented={"function_run": 1, "step.run": 2},
        requests=1,
        needs=_CHECKPOINTED,
    ),
    # As without streaming: the replies have the failure within.
    Scenario(
        name="typescript, step that fails once, streamed",
        drive=_life("step_fails_once", checkpointing=False, streaming=True),
        documented={"function_run": 1, "step.run": 3},
        upper={"step_retry": 1},
        requests=1 + 2 + 1 + 1,
        needs=(_NODE,),
    ),
    # To publish as a step is one; what is published beside the steps is none.
    Scenario(
        name="typescript, publish",
        drive=_life("publish", checkpointing=False),
        documented={"function_run": 1, "step.run": 1 + 1},
        by={"step.run": {"realtime_publish": 1, "step_run": 1}},
        requests=2 + 1,
        free=("connect_message",),
        needs=(_NODE,),
    ),
    # The choice is a step, and the chosen variant's own is another.
    Scenario(
        name="typescript, experiment, checkpointed",
        drive=_life("experiment"),
        documented={"function_run": 1, "step.run": 1 + 1},
        by={"step.run": {"experiment": 1, "step_run": 1}},
        requests=1,
        needs=_CHECKPOINTED,
    ),
    # To put a function off costs nothing; it is a run with one step.
    Scenario(
        name="typescript, deferred function, checkpointed",
        drive=_life("defer"),
        documented={"function_run": 1 + 1, "step.run": 2 + 1},
        by={"function_run": {"run": 1, "deferred_run": 1}},
        requests=1 + 1,
        needs=(*_CHECKPOINTED, _DEFERS),
    ),
)
