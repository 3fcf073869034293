"""Every variant of the reference agent on a real Inngest server, task by task against figures derived by hand."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx
import pytest
from expected import Expected, expected_units
from measuring import as_task, engine_of, kinds, measure_agent, proof_of, states

from durameter import Result, Task
from durameter.config import Config
from durameter_workloads.model_server import Faults
from durameter_workloads.model_server.faults import faults_of_call
from durameter_workloads.support_agent.shape import Conversation, Message, ModelCall, ToolCall
from durameter_workloads.support_agent.spec import filler

pytestmark = pytest.mark.servers

VARIANTS = (
    "run_per_message",
    "long_run",
    "ai_infer",
    "sequential_tools",
    "inlined_tools",
    "stream_100ms",
    "stream_500ms",
    "stream_2s",
    "stream_in_step",
)
TASKS = ("calm-2501", "busy-3", "busy-20")
NO_FAULTS = Faults()
FAULTS = Faults(rate_limited=0.25, server_errors=0.15, broken_streams=0.4, most_in_a_row=2)
ANSWER = ModelCall(chars=120)
LOOKUP = ToolCall(tool="lookup_order", chars=50)
SEARCH = ToolCall(tool="search_flights", chars=50)


def calls(*tools: ToolCall, chars: int = 60) -> ModelCall:
    return ModelCall(chars=chars, tools=tools)


def say(*model_calls: ModelCall, reminder: bool = False) -> Message:
    return Message(chars=60, model_calls=model_calls, reminder=reminder)


def refund(decision: str) -> ToolCall:
    return ToolCall.model_validate({"tool": "issue_refund", "chars": 30, "approval": decision})


HAND_OVER = ToolCall(tool="hand_over", chars=0, hand_over=(calls(SEARCH), ANSWER))

EVERYTHING = Conversation(
    source="hand",
    messages=(
        # 2 calls, 2 tools at once, silence until reminded
        say(calls(LOOKUP, SEARCH), ANSWER, reminder=True),
        # 5 calls, 3 approvals of which one is given and one denied, a hand-over (2 calls, 1 tool)
        say(calls(refund("approved")), calls(refund("denied")), calls(refund("timed_out")), calls(HAND_OVER), ANSWER),
        # 1 call, 1 tool, which ends the turn
        say(calls(ToolCall(tool="transfer_to_human", chars=20))),
    ),
)
"""Messages 3, model calls 8 + 2 of the sub-agent, tools 2 + 1 (the approved refund) + 1 of the sub-agent + 1 = 5,
approvals 3, hand-over 1, reminder 1, replies 3."""

_WITHOUT_MODEL = {"function_run": 4, "step.wait_for_event": 3, "step.invoke": 1, "step.sleep": 1}
"""A run per message, and the sub-agent's."""

BY_HAND: dict[str, dict[str, int]] = {
    # step.run: 10 model calls + 5 tools + 3 replies + 1 reminder
    "run_per_message": {**_WITHOUT_MODEL, "step.run": 19},
    # one run and the sub-agent's; the second and the third message end a wait, and so does the silence: 3 + 2 + 1
    "long_run": {"function_run": 2, "step.wait_for_event": 6, "step.invoke": 1, "step.run": 19},
    # the ten model calls leave the app
    "ai_infer": {**_WITHOUT_MODEL, "step.run": 9, "step.ai": 10},
    # one after the other is as many
    "sequential_tools": {**_WITHOUT_MODEL, "step.run": 19},
    # the approved refund keeps its step, the four other tools have none
    "inlined_tools": {**_WITHOUT_MODEL, "step.run": 15},
    # what leaves from within a step is no step
    "stream_in_step": {**_WITHOUT_MODEL, "step.run": 19},
}


async def measured(
    config: Config, folder: Path, variant: str, tasks: Sequence[Task], faults: Faults, seconds: float = 240
) -> Result:
    return await measure_agent(
        config,
        folder / "result",
        tasks,
        engines=("inngest",),
        variant=variant,
        faults=faults.model_dump(),
        latency_ms=5,
        seconds=seconds,
        variants={"stream_pace": 0},
    )


def should_be(variant: str, task: str, faults: Faults) -> Expected:
    return expected_units("inngest", task, EVERYTHING, faults=faults, seed=0, variant=variant)


def counted(result: Result, task: str) -> tuple[Counter[str], Counter[str]]:
    """Units of one task: as documented, and what the upper reading adds."""
    both = kinds(result, "inngest", task)
    return Counter({k: n for k, (n, _) in both.items()}), Counter({k: n for k, (_, n) in both.items()})


@pytest.fixture(scope="module")
async def results(agent_servers: Config, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Result]:
    """Three tasks with every part of the agent: one to which nothing happens, two with 429s, 500s, broken streams.

    All variants at once on one server: they share no app and no event.
    """
    tasks = [as_task(name, EVERYTHING) for name in TASKS]

    async def one(variant: str) -> Result:
        return await measured(agent_servers, tmp_path_factory.mktemp(variant), variant, tasks, FAULTS)

    return dict(zip(VARIANTS, await asyncio.gather(*map(one, VARIANTS)), strict=True))


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_task_costs_what_the_table_says(results: Mapping[str, Result], variant: str) -> None:
    result = results[variant]
    for task in engine_of(result, "inngest").tasks:
        should = should_be(variant, task.task, FAULTS)
        assert counted(result, task.task) == (should.documented, should.upper), task.task
        assert task.observed["model_requests"] == should.model_requests
        assert task.observed.get("stream_batches", 0) == should.stream_batches
        assert task.measures["events"] == should.events
        assert task.measures["sdk_requests"] == should.sdk_requests
        assert not task.gaps
    assert states(result, "inngest") == dict.fromkeys(TASKS, "completed")
    assert proof_of(result, "inngest") == ("agrees", ())


@pytest.mark.parametrize("variant", BY_HAND)
def test_the_table_gives_the_same_numbers_as_the_hand(variant: str) -> None:
    found = should_be(variant, "t", NO_FAULTS)
    assert (dict(found.documented), dict(found.upper)) == (BY_HAND[variant], {})


def test_the_tasks_leave_no_part_out() -> None:
    """The comparison would be weaker if nothing happened to the busy ones, or something to the calm one."""
    for variant in VARIANTS:
        assert not should_be(variant, "calm-2501", FAULTS).upper
    # the first call after the parallel tools is planned by the server, and meets two 429s
    assert faults_of_call(FAULTS, seed=0, user="busy-3", position=1) == [429, 429]
    for task in ("busy-3", "busy-20"):
        plain, streamed = (should_be(variant, task, FAULTS).upper["step_retry"] for variant in ("", "stream_2s"))
        assert 0 < plain < streamed, "streams break off"


def test_every_step_is_a_step_of_the_agent(results: Mapping[str, Result]) -> None:
    """Names as in the specification, the same in every variant; what a variant adds has a cause of its own."""
    causes = {
        variant: {unit.cause for unit in result.ledger if unit.kind != "function_run"}
        for variant, result in results.items()
    }
    for result in results.values():
        for unit in result.ledger:
            assert unit.step.startswith("message ") or unit.kind == "function_run"
    default = {
        "call_model", "lookup_order", "search_flights", "issue_refund", "hand_over", "transfer_to_human",
        "approval", "send_reply", "reminder", "send_reminder",
    }  # fmt: skip
    assert causes == {
        "run_per_message": default,
        "long_run": default | {"await_message"},
        "ai_infer": default,
        "sequential_tools": default,
        "inlined_tools": default - {"lookup_order", "search_flights", "transfer_to_human"},
        "stream_100ms": default | {"publish"},
        "stream_500ms": default | {"publish"},
        "stream_2s": default | {"publish"},
        "stream_in_step": default,
    }


TWO_QUESTIONS = Conversation(source="hand", messages=(say(ANSWER), say(ANSWER)))

OUTAGE: dict[str, tuple[dict[str, int], int]] = {
    # the second message's only call fails five times: runs 2; models 2 + reply 1
    "run_per_message": ({"function_run": 2, "step.run": 3}, 4),
    # one run, which ended its wait for the second message
    "long_run": ({"function_run": 1, "step.wait_for_event": 1, "step.run": 3}, 4),
    # models 2; reply 1
    "ai_infer": ({"function_run": 2, "step.ai": 2, "step.run": 1}, 4),
    # models 2 + reply 1 + batches of the first answer: 120 characters are 30 tokens, some 0.6 s, within one interval
    "stream_2s": ({"function_run": 2, "step.run": 4}, 4),
}
"""Units as documented, and attempts after the first: upper only."""


async def test_a_model_that_fails_for_good(agent_servers: Config, tmp_path: Path) -> None:
    """The last call of the conversation is answered with 500 each time, which is five times."""

    async def one(variant: str) -> None:
        tasks = [as_task("doomed", TWO_QUESTIONS)]
        faults = Faults(fails_for_good=("doomed",))
        result = await measured(agent_servers, tmp_path / variant, variant, tasks, faults)
        documented, retries = OUTAGE[variant]
        assert states(result, "inngest") == {"doomed": "failed"}
        assert counted(result, "doomed") == (Counter(documented), Counter(step_retry=retries)), variant
        assert proof_of(result, "inngest") == ("agrees", ())

    await asyncio.gather(*map(one, OUTAGE))


async def test_only_the_server_keeps_a_step_that_was_rate_limited_to_the_end(
    agent_servers: Config, tmp_path: Path
) -> None:
    """Five 429s. In the app they are RetryAfterErrors, after which there is no step, hence no retry of one.

    The server's own call is a step from its first attempt: run 1, step 1, and four attempts more in the upper reading.
    """

    async def one(variant: str) -> tuple[Counter[str], Counter[str]]:
        tasks = [as_task("limited", Conversation(source="hand", messages=(say(ANSWER),)))]
        faults = Faults(rate_limited=1, retry_after_seconds=0, most_in_a_row=5)
        result = await measured(agent_servers, tmp_path / variant, variant, tasks, faults)
        assert states(result, "inngest") == {"limited": "failed"}
        assert engine_of(result, "inngest").tasks[0].observed["model_rate_limited"] == 5
        assert proof_of(result, "inngest") == ("agrees", ())
        return counted(result, "limited")

    by_app, by_server = await asyncio.gather(one("run_per_message"), one("ai_infer"))
    assert by_app == (Counter(function_run=1), Counter())
    assert by_server == (Counter({"function_run": 1, "step.ai": 1}), Counter(step_retry=4))


async def test_no_key_is_handed_to_a_server_that_would_keep_it(
    agent_servers: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`ai_infer`: the key of a real model would be in the server's database, in the measurement's folder."""
    monkeypatch.setenv("DURAMETER_MODEL_API_KEY", "sk-secret")
    result = await measure_agent(
        agent_servers,
        tmp_path / "result",
        [as_task("real", TWO_QUESTIONS)],
        engines=("inngest",),
        variant="ai_infer",
        model_base_url="http://127.0.0.1:9/v1",
    )
    assert engine_of(result, "inngest").state == "interrupted"
    assert "Unset DURAMETER_MODEL_API_KEY" in engine_of(result, "inngest").problem
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and b"sk-secret" in file.read_bytes()]


@pytest.mark.parametrize("variant", ["stream_100ms", "stream_in_step"])
async def test_batches_reach_a_subscriber_whole_and_in_order(
    agent_servers: Config, tmp_path: Path, variant: str
) -> None:
    """Somebody reads along on the conversation's channel: the text of both model calls, one message per batch."""
    conversation = Conversation(source="hand", messages=(say(calls(LOOKUP), ModelCall(chars=400)),))
    topic = {"channel": "conversation:streamed", "name": "answer", "kind": "run"}
    heard: list[str] = []
    async with httpx.AsyncClient(base_url=f"{agent_servers.inngest.address}/v1/realtime", timeout=60) as http:
        token = (await http.post("/token", json=[topic])).raise_for_status().json()["jwt"]
        async with http.stream("GET", "/sse", headers={"Authorization": f"Bearer {token}"}) as stream:
            assert stream.status_code == 200
            result = await measured(agent_servers, tmp_path, variant, [as_task("streamed", conversation)], NO_FAULTS)
            batches = int(engine_of(result, "inngest").tasks[0].observed["stream_batches"])
            async for line in stream.aiter_lines():
                if line.startswith("data: "):
                    heard.append(json.loads(line.removeprefix("data: "))["data"]["text"])
                if len(heard) == batches:
                    break
    assert "".join(heard) == filler(60) + filler(400)
    assert batches > 15  # 100 tokens of the answer are some 2 s
    # models 2, tool 1, reply 1, and the batches where each is a step
    steps = 4 + batches if variant == "stream_100ms" else 4
    assert counted(result, "streamed") == (Counter({"function_run": 1, "step.run": steps}), Counter())
