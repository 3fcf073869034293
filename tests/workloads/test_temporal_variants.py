"""Every variant of the reference agent on a real Temporal server, task by task against figures derived by hand."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from expected import expected_units
from measuring import as_task, engine_of, kinds, measure_agent, proof_of, states

from durameter import Result, Task
from durameter.config import Config
from durameter_workloads.model_server import Faults
from durameter_workloads.model_server.server import Served
from durameter_workloads.support_agent.shape import Conversation, Message, ModelCall, ToolCall

pytestmark = pytest.mark.servers

VARIANTS = (
    "update",
    "signal",
    "workflow_per_message",
    "local_activity",
    "heartbeat",
    "stream_100ms",
    "stream_500ms",
    "stream_2s",
)
NO_FAULTS = Faults()
FAULTS = Faults(rate_limited=0.35, server_errors=0.2, broken_streams=0.4, most_in_a_row=2)
BUSY = ("busy-9", "busy-10")
ANSWER = ModelCall(chars=400)
LOOKUP = ToolCall(tool="lookup_order", chars=50)
SEARCH = ToolCall(tool="search_flights", chars=50)
FAST = {"stream_pace": 0.05}


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
approvals 3, decisions 2, hand-over 1, reminder 1."""

BY_HAND: dict[str, dict[str, int]] = {
    # activities: 10 model calls + 5 tools + 1 reminder; timers: 3 approvals + 1 reminder; signals: 2 decisions
    "update": {
        "start_workflow": 1,
        "accept_workflow_update": 3,
        "schedule_activity": 16,
        "start_timer": 4,
        "signal_workflow": 2,
        "start_child_workflow": 2,
    },
    # the three updates become three signals more; queries are added from the driver's own count
    "signal": {
        "start_workflow": 1,
        "schedule_activity": 16,
        "start_timer": 4,
        "signal_workflow": 5,
        "start_child_workflow": 2,
    },
    # three workflows for messages and one for the reminder, whose delay is no timer
    "workflow_per_message": {
        "start_workflow": 4,
        "schedule_activity": 16,
        "start_timer": 3,
        "signal_workflow": 2,
        "start_child_workflow": 2,
    },
    # the ten model calls leave the activities and leave a marker each, in ten different workflow tasks
    "local_activity": {
        "start_workflow": 1,
        "accept_workflow_update": 3,
        "schedule_activity": 6,
        "record_activity_markers": 10,
        "start_timer": 4,
        "signal_workflow": 2,
        "start_child_workflow": 2,
    },
    # ten model calls, one heartbeat each
    "heartbeat": {
        "start_workflow": 1,
        "accept_workflow_update": 3,
        "schedule_activity": 16,
        "record_activity_heartbeat": 10,
        "start_timer": 4,
        "signal_workflow": 2,
        "start_child_workflow": 2,
    },
}


def should_be(result: Result, variant: str, task: str, conversation: Conversation, faults: Faults) -> Counter[str]:
    """The derived units of one task; how often a reply was asked for is what the driver counted."""
    found = expected_units("temporal", task, conversation, faults=faults, seed=0, variant=variant)
    [measured] = [each for each in engine_of(result, "temporal").tasks if each.task == task]
    assert measured.observed["model_requests"] == found.model_requests
    assert measured.observed.get("stream_batches", 0) == found.stream_batches
    if variant == "signal":
        found.documented["query_workflow"] = int(measured.observed["queries"])
        assert found.documented["query_workflow"] >= len(conversation.messages)  # each reply was asked for
    return found.documented


def counted(result: Result, task: str) -> dict[str, int]:
    return {kind: documented for kind, (documented, _) in kinds(result, "temporal", task).items() if documented}


async def measured(
    config: Config,
    folder: Path,
    variant: str,
    tasks: Sequence[Task],
    faults: Faults,
    latency_ms: float = 20,
    **variants: Any,
) -> Result:
    return await measure_agent(
        config,
        folder / "result",
        tasks,
        engines=("temporal",),
        variant=variant,
        faults=faults.model_dump(),
        latency_ms=latency_ms,
        variants={**FAST, **variants},
    )


def assert_whole(result: Result) -> None:
    """Every task ended well, and nothing is left between the sources in any kind."""
    assert set(states(result, "temporal").values()) == {"completed"}
    assert [gap for task in engine_of(result, "temporal").tasks for gap in task.gaps] == []
    assert proof_of(result, "temporal") == ("agrees", ())


@pytest.mark.parametrize("variant", BY_HAND)
def test_the_table_gives_the_same_numbers_as_the_hand(variant: str) -> None:
    found = expected_units("temporal", "t", EVERYTHING, faults=NO_FAULTS, seed=0, variant=variant)
    assert dict(found.documented) == BY_HAND[variant]


def test_chance_leaves_no_part_out() -> None:
    """The comparison below would be weaker if no wait of a local activity were long, or no stream broke off."""
    for variant, kind in (("local_activity", "start_timer"), ("update", "retry_activity")):
        calm, busy = (
            sum(
                expected_units("temporal", task, EVERYTHING, faults=faults, seed=0, variant=variant).documented[kind]
                for task in BUSY
            )
            for faults in (NO_FAULTS, FAULTS)
        )
        assert busy > calm, variant
    streams = [
        expected_units("temporal", task, EVERYTHING, faults=FAULTS, seed=0, variant="stream_2s") for task in BUSY
    ]
    others = [expected_units("temporal", task, EVERYTHING, faults=FAULTS, seed=0) for task in BUSY]
    assert sum(each.model_requests for each in streams) > sum(each.model_requests for each in others)


@pytest.mark.parametrize("variant", VARIANTS)
async def test_every_variant_costs_what_its_table_says(shared_servers: Config, tmp_path: Path, variant: str) -> None:
    """Three tasks with every part of the agent: one to which nothing happens, two with 429s, 500s, broken streams."""

    async def check(names: Sequence[str], faults: Faults) -> None:
        tasks = [as_task(name, EVERYTHING) for name in names]
        result = await measured(shared_servers, tmp_path / names[0], variant, tasks, faults)
        for name in names:
            should = should_be(result, variant, name, EVERYTHING, faults)
            assert counted(result, name) == dict(should), name
        assert_whole(result)

    await asyncio.gather(check(["calm"], NO_FAULTS), check(BUSY, FAULTS))


async def test_longer_model_calls_heartbeat_more(shared_servers: Config, tmp_path: Path) -> None:
    """Time-out 2 s: the SDK lets one heartbeat through at once and then one per 0.8 x 2 = 1.6 s.

    The model server's log says how long each call took; none is within 0.2 s of a multiple of 1.6 s.
    """
    task = as_task("slow-2", Conversation(source="hand", messages=(say(calls(LOOKUP), ANSWER),)))
    result = await measured(
        shared_servers, tmp_path, "heartbeat", [task], NO_FAULTS, latency_ms=4000, heartbeat_seconds=2
    )
    took = [call.seconds for call in model_calls(tmp_path)]
    assert all(0.2 < seconds % 1.6 < 1.4 for seconds in took), took
    beats = sum(1 + int(seconds / 1.6) for seconds in took)
    assert beats > len(took) == 2
    assert counted(result, "slow-2") == {
        "start_workflow": 1,
        "accept_workflow_update": 1,
        "schedule_activity": 3,
        "record_activity_heartbeat": beats,
    }
    assert_whole(result)


async def test_a_local_activity_that_outlives_its_workflow_task_heartbeats(
    shared_servers: Config, tmp_path: Path
) -> None:
    """A workflow task may take 10 s; the SDK renews it at 0.8 of that, 8 s, which Temporal Cloud bills.

    The model server's log says that the call took more than 8 s and less than 16 s: one renewal.
    """
    task = as_task("long", Conversation(source="hand", messages=(say(ANSWER),)))
    result = await measured(shared_servers, tmp_path, "local_activity", [task], NO_FAULTS, latency_ms=6000)
    [call] = model_calls(tmp_path)
    assert 8.5 < call.seconds < 15.5
    assert counted(result, "long") == {
        "start_workflow": 1,
        "accept_workflow_update": 1,
        "record_activity_markers": 1,
        "record_workflow_heartbeat": 1,
    }
    assert_whole(result)


async def test_a_local_activity_that_fails_for_good(shared_servers: Config, tmp_path: Path) -> None:
    """Five attempts end in 500. The waits between them are 1, 2, 4 and 8 s, and three of these are longer than 1.5 s.

    start 1, update 1; markers: 3 of long waits + 1 of the failure; timers 3.
    """
    task = as_task("doomed", Conversation(source="hand", messages=(say(ANSWER),)))
    result = await measured(shared_servers, tmp_path, "local_activity", [task], Faults(fails_for_good=("doomed",)))
    assert states(result, "temporal") == {"doomed": "failed"}
    assert counted(result, "doomed") == {
        "start_workflow": 1,
        "accept_workflow_update": 1,
        "record_activity_markers": 4,
        "start_timer": 3,
    }
    assert proof_of(result, "temporal") == ("agrees", ())


async def test_a_conversation_that_fails_ends_the_polling(shared_servers: Config, tmp_path: Path) -> None:
    """`signal`: nobody answers any more once the workflow has failed; what was asked until then is counted.

    start 1, message 1, activity 1, retries 4.
    """
    task = as_task("doomed", Conversation(source="hand", messages=(say(ANSWER),)))
    result = await measured(shared_servers, tmp_path, "signal", [task], Faults(fails_for_good=("doomed",)))
    [found] = engine_of(result, "temporal").tasks
    assert found.state == "failed"
    assert counted(result, "doomed") == {
        "start_workflow": 1,
        "signal_workflow": 1,
        "schedule_activity": 1,
        "retry_activity": 4,
        "query_workflow": found.observed["queries"],
    }
    assert proof_of(result, "temporal") == ("agrees", ())


async def test_the_pace_of_a_stream_moves_no_count(shared_servers: Config, tmp_path: Path) -> None:
    """At its real pace, and all at once: the batches go by the stream's own clock."""
    task = as_task("streamed", Conversation(source="hand", messages=(say(ANSWER),)))
    found = []
    for pace in (0.0, 1.0):
        folder = tmp_path / str(pace)
        result = await measured(shared_servers, folder, "stream_100ms", [task], NO_FAULTS, stream_pace=pace)
        found.append(counted(result, "streamed"))
        assert_whole(result)
    assert found[0] == found[1]
    assert found[0]["signal_workflow"] > 15  # 400 characters are 100 tokens, some 2 s


def model_calls(folder: Path) -> list[Served]:
    """The model server's log of a measurement."""
    [file] = (folder / "result").rglob("model_calls.jsonl")
    return [Served.model_validate_json(line) for line in file.read_text().splitlines()]
