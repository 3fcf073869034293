"""Counts of the reference agent on real servers, against figures that were derived by hand."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from expected import expected_units
from measuring import as_task, engine_of, kinds, measure_agent, proof_of, states

from durameter import Result
from durameter.config import Config
from durameter_workloads.model_server import Faults, ModelServer, serve_model
from durameter_workloads.support_agent.script import scripts_of
from durameter_workloads.support_agent.shape import Conversation, Message, ModelCall, ToolCall
from durameter_workloads.support_agent.shapes import Overlay

pytestmark = pytest.mark.servers

NO_FAULTS = Faults().model_dump()
ANSWER = ModelCall(chars=80)
ENGINES = ("temporal", "inngest")


def calls(*tools: ToolCall) -> ModelCall:
    return ModelCall(chars=40, tools=tools)


def say(*model_calls: ModelCall, reminder: bool = False) -> Message:
    return Message(chars=60, model_calls=model_calls, reminder=reminder)


LOOKUP = ToolCall(tool="lookup_order", chars=100)
SEARCH = ToolCall(tool="search_flights", chars=100)
UPDATE = ToolCall(tool="update_booking", chars=100)
TRANSFER = ToolCall(tool="transfer_to_human", chars=20)


def refund(decision: str) -> ToolCall:
    return ToolCall.model_validate({"tool": "issue_refund", "chars": 30, "approval": decision})


SMALL_REFUND = ToolCall(tool="issue_refund", chars=30)
HAND_OVER = ToolCall(tool="hand_over", chars=0, hand_over=(calls(SEARCH), ANSWER))

HAND_MADE = {
    # One question, one answer.
    #   temporal: start 1, update 1, model 1
    #   inngest:  run 1, model 1 + reply 1
    "question": (
        Conversation(source="hand", messages=(say(ANSWER),)),
        {"start_workflow": 1, "accept_workflow_update": 1, "schedule_activity": 1},
        {"function_run": 1, "step.run": 2},
    ),
    # Two messages. First: three tools at once, then an answer, then silence until the reminder.
    # Second: a small refund (no approval), then a transfer that ends the turn without another model call.
    #   temporal: start 1; updates 2; activities: models 2 + 2, tools 3 + 1 + 1, reminder 1 = 10; its timer 1
    #   inngest:  runs 2; step.run: models 4, tools 5, replies 2, reminder 1 = 12; sleep 1
    "tools": (
        Conversation(
            source="hand",
            messages=(
                say(calls(LOOKUP, SEARCH, UPDATE), ANSWER, reminder=True),
                say(calls(SMALL_REFUND), calls(TRANSFER)),
            ),
        ),
        {"start_workflow": 1, "accept_workflow_update": 2, "schedule_activity": 10, "start_timer": 1},
        {"function_run": 2, "step.run": 12, "step.sleep": 1},
    ),
    # One message, three refunds above the limit one after the other: approved, denied, never decided. Then a
    # hand-over to a sub-agent with two model calls and one tool, then the answer.
    #   temporal: start 1; update 1; timers 3 (one per wait); signals 2 (the third has none);
    #             activities: models 5 + 2 of the sub-agent, the approved refund 1, the sub-agent's tool 1 = 9; child 2
    #   inngest:  runs 1 + 1 of the sub-agent; waits 3; step.run: models 5 + 2, refund 1, tool 1, reply 1 = 10; invoke 1
    "approvals": (
        Conversation(
            source="hand",
            messages=(
                say(
                    calls(refund("approved")),
                    calls(refund("denied")),
                    calls(refund("timed_out")),
                    calls(HAND_OVER),
                    ANSWER,
                ),
            ),
        ),
        {
            "start_workflow": 1,
            "accept_workflow_update": 1,
            "start_timer": 3,
            "signal_workflow": 2,
            "schedule_activity": 9,
            "start_child_workflow": 2,
        },
        {"function_run": 2, "step.wait_for_event": 3, "step.run": 10, "step.invoke": 1},
    ),
}


@pytest.fixture(scope="module")
async def by_hand(agent_servers: Config, tmp_path_factory: pytest.TempPathFactory) -> Result:
    tasks = [as_task(name, HAND_MADE[name][0]) for name in reversed(HAND_MADE)]
    return await measure_agent(agent_servers, tmp_path_factory.mktemp("hand") / "result", tasks, faults=NO_FAULTS)


def test_tasks_stand_in_the_order_in_which_they_were_asked_for(by_hand: Result) -> None:
    """The last one, with a single question, is the first to end."""
    for engine in by_hand.measurement.engines:
        assert [task.task for task in engine.tasks] == list(reversed(HAND_MADE))
        assert min(engine.tasks, key=lambda task: task.ended).task == "question"


@pytest.mark.parametrize("name", HAND_MADE)
def test_hand_made_tasks_cost_what_was_derived_by_hand(by_hand: Result, name: str) -> None:
    _, temporal, inngest = HAND_MADE[name]
    assert kinds(by_hand, "temporal", name) == {kind: (count, 0) for kind, count in temporal.items()}
    assert kinds(by_hand, "inngest", name) == {kind: (count, 0) for kind, count in inngest.items()}


def test_the_table_gives_the_same_numbers_as_the_hand() -> None:
    for name, (conversation, temporal, inngest) in HAND_MADE.items():
        for engine, by_hand in (("temporal", temporal), ("inngest", inngest)):
            found = expected_units(engine, name, conversation, faults=Faults(), seed=0)
            assert (dict(found.documented), dict(found.upper)) == (by_hand, {}), (name, engine)


OVERLAY = Overlay(approvals=0.8, hand_overs=0.8, parallel_tools=0.8, reminders=0.6)
FAULTS = Faults(rate_limited=0.06, server_errors=0.03)


@pytest.fixture(scope="module")
async def thirty(agent_servers: Config, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """30 tasks, ten at once, on both engines, with every part of the agent and both kinds of faults in them."""
    folder = tmp_path_factory.mktemp("thirty") / "result"
    options = {"overlay": OVERLAY.model_dump(), "faults": FAULTS.model_dump()}
    return await measure_agent(agent_servers, folder, 30, seed=7, seconds=240, **options)


def _tasks(result: Result, engine: str) -> Iterator[tuple[str, Conversation]]:
    for task in engine_of(result, engine).tasks:
        yield task.task, Conversation.model_validate(task.shape)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_one_of_thirty_tasks_costs_what_the_table_says(thirty: Result, engine: str) -> None:
    seen = 0
    for task, conversation in _tasks(thirty, engine):
        should = expected_units(engine, task, conversation, faults=FAULTS, seed=7)
        counted = kinds(thirty, engine, task)
        assert {k: n for k, (n, _) in counted.items() if n} == dict(should.documented), task
        assert {k: n for k, (_, n) in counted.items() if n} == dict(should.upper), task
        seen += 1
    assert seen == 30


@pytest.mark.parametrize("engine", ENGINES)
def test_two_sources_agree_in_every_kind(thirty: Result, engine: str) -> None:
    assert proof_of(thirty, engine) == ("agrees", ())
    ledger_kinds = {unit.kind for unit in thirty.ledger if unit.engine == engine}
    others = {
        ("store", "wire"): ledger_kinds | {"SDK request"},
        ("trace", "REST"): ledger_kinds - {"step_retry"},  # it tells the attempts of some steps only
        ("runs", "events"): {"function_run"},
    }
    for found in engine_of(thirty, engine).reconciliations:
        compared = (found.source, found.other)
        if compared != ("wire", "meter"):  # those are compared by the meter's own names
            assert {line.kind for line in found.lines} == others.get(compared, ledger_kinds), compared


@pytest.mark.parametrize("engine", ENGINES)
def test_the_model_server_served_what_the_ledger_says(thirty: Result, engine: str) -> None:
    """A third record: every attempt of `call_model` in the ledger is a request in the model server's log."""
    for task in engine_of(thirty, engine).tasks:
        mine = [unit for unit in thirty.ledger if (unit.engine, unit.task) == (engine, task.task)]
        attempts = sum(unit.quantity for unit in mine if unit.cause == "call_model")
        should = expected_units(
            engine, task.task, Conversation.model_validate(task.shape), faults=FAULTS, seed=7
        ).model_requests
        assert attempts == task.observed["model_requests"] == should, task.task


def test_thirty_tasks_have_every_part_of_the_agent(thirty: Result) -> None:
    """The comparison above would be weaker if chance had left a part out."""
    parts = {"approvals", "approvals_answered", "hand_overs", "reminders", "tool_calls"}
    tasks = engine_of(thirty, "temporal").tasks
    assert all(sum(task.covariates[part] for task in tasks) > 0 for part in parts)
    assert sum(task.covariates["approvals"] - task.covariates["approvals_answered"] for task in tasks) > 0
    assert sum(task.observed["model_rate_limited"] for task in tasks) > 0
    assert sum(task.observed["model_errors"] for task in tasks) > 0


def test_both_engines_ran_the_same_tasks(thirty: Result) -> None:
    shapes = [{task.task: task.shape for task in engine_of(thirty, engine).tasks} for engine in ENGINES]
    assert shapes[0] == shapes[1]


async def test_each_429_is_a_retry(agent_servers: Config, tmp_path: Path) -> None:
    """Every model call meets exactly two 429s (probability 1, two in a row at most).

    Two model calls and a tool: temporal: start 1, update 1, activities 3, retries 2 x 2 = 4.
    inngest: run 1, step.run 3 + reply 1 = 4; the retries are the open question: 4 in the upper reading only.
    """
    conversation = Conversation(source="hand", messages=(say(calls(LOOKUP), ANSWER),))
    faults = Faults(rate_limited=1.0, most_in_a_row=2)
    result = await measure_agent(
        agent_servers, tmp_path / "result", [as_task("limited", conversation)], faults=faults.model_dump()
    )
    assert kinds(result, "temporal", "limited") == {
        "start_workflow": (1, 0),
        "accept_workflow_update": (1, 0),
        "schedule_activity": (3, 0),
        "retry_activity": (4, 0),
    }
    assert kinds(result, "inngest", "limited") == {"function_run": (1, 0), "step.run": (4, 0), "step_retry": (0, 4)}
    for engine in ENGINES:
        [task] = engine_of(result, engine).tasks
        assert task.observed == {
            "model_requests": 6, "model_replies": 2, "model_rate_limited": 4, "model_errors": 0,
        }  # fmt: skip
        assert proof_of(result, engine) == ("agrees", ())


async def test_a_task_that_fails_for_good_is_counted_and_the_others_go_on(
    agent_servers: Config, tmp_path: Path
) -> None:
    """The model's only call fails five times, which is as often as it is tried.

    temporal: start 1, update 1, activity 1, retries 4 (the meter sees the same).
    inngest: run 1, the step 1; its four further attempts are upper only; no reply leaves.
    """
    tasks = [as_task(name, Conversation(source="hand", messages=(say(ANSWER),))) for name in ("doomed", "fine")]
    faults = Faults(fails_for_good=("doomed",))
    result = await measure_agent(agent_servers, tmp_path / "result", tasks, faults=faults.model_dump())
    for engine in ENGINES:
        assert states(result, engine) == {"doomed": "failed", "fine": "completed"}
        assert proof_of(result, engine) == ("agrees", ())
    assert kinds(result, "temporal", "doomed") == {
        "start_workflow": (1, 0),
        "accept_workflow_update": (1, 0),
        "schedule_activity": (1, 0),
        "retry_activity": (4, 0),
    }
    assert kinds(result, "inngest", "doomed") == {"function_run": (1, 0), "step.run": (1, 0), "step_retry": (0, 4)}
    assert kinds(result, "inngest", "fine") == {"function_run": (1, 0), "step.run": (2, 0)}


async def test_a_task_that_hangs_is_ended_and_counted_until_then(agent_servers: Config, tmp_path: Path) -> None:
    """Nobody decides on a refund for ten minutes; the task may take four seconds.

    temporal: start 1, update 1, model 1, timer 1. inngest: run 1, model 1, wait 1.
    """
    tasks = [
        as_task("stuck", Conversation(source="hand", messages=(say(calls(refund("timed_out")), ANSWER),))),
        as_task("fine", Conversation(source="hand", messages=(say(ANSWER),))),
    ]
    result = await measure_agent(
        agent_servers, tmp_path / "result", tasks, seconds=4, faults=NO_FAULTS, approval_timeout_seconds=600
    )
    for engine in ENGINES:
        assert states(result, engine) == {"stuck": "timed_out", "fine": "completed"}
        assert proof_of(result, engine) == ("agrees", ())
    assert kinds(result, "temporal", "stuck") == {
        "start_workflow": (1, 0),
        "accept_workflow_update": (1, 0),
        "schedule_activity": (1, 0),
        "start_timer": (1, 0),
    }
    assert kinds(result, "inngest", "stuck") == {
        "function_run": (1, 0),
        "step.run": (1, 0),
        "step.wait_for_event": (1, 0),
    }


async def test_a_task_that_hangs_in_back_off_has_no_retry_yet(agent_servers: Config, tmp_path: Path) -> None:
    """The provider asks to wait ten minutes: the first attempt was made, the second never.

    temporal: start 1, update 1, activity 1, no retry. inngest: run 1; a step whose attempts all went to function level
    (RetryAfterError) has no id on the server, so it is no unit.
    """
    tasks = [as_task("waiting", Conversation(source="hand", messages=(say(ANSWER),)))]
    faults = Faults(rate_limited=1.0, retry_after_seconds=600)
    result = await measure_agent(agent_servers, tmp_path / "result", tasks, seconds=4, faults=faults.model_dump())
    assert kinds(result, "temporal", "waiting") == {
        "start_workflow": (1, 0),
        "accept_workflow_update": (1, 0),
        "schedule_activity": (1, 0),
    }
    assert kinds(result, "inngest", "waiting") == {"function_run": (1, 0)}
    for engine in ENGINES:
        assert states(result, engine) == {"waiting": "timed_out"}
        assert proof_of(result, engine) == ("agrees", ())


async def test_a_task_that_is_cut_off_in_a_model_call(agent_servers: Config, tmp_path: Path) -> None:
    """The model takes two minutes, the task may take four seconds: what was begun is counted, or said to be unknown.

    temporal: start 1, update 1, activity 1. inngest: run 1; the step's only attempt never answered, so the server
    knows no step.
    """
    tasks = [as_task("slow", Conversation(source="hand", messages=(say(ANSWER),)))]
    result = await measure_agent(
        agent_servers, tmp_path / "result", tasks, seconds=4, faults=NO_FAULTS, latency_ms=120_000
    )
    assert kinds(result, "temporal", "slow") == {
        "start_workflow": (1, 0),
        "accept_workflow_update": (1, 0),
        "schedule_activity": (1, 0),
    }
    assert kinds(result, "inngest", "slow") == {"function_run": (1, 0)}
    for engine in ENGINES:
        assert proof_of(result, engine) == ("agrees", ())


async def test_a_model_behind_an_address_is_measured_the_same_way(agent_servers: Config, tmp_path: Path) -> None:
    """`model_base_url` switches to another provider; nobody knows its replies beforehand, so every approval is given.

    One message: a refund above the limit, then the answer.
    temporal: start 1, update 1, timer 1, signal 1, models 2 + refund 1 = 3.
    inngest: run 1, wait 1, step.run 3 + reply 1 = 4.
    """
    conversation = Conversation(source="hand", messages=(say(calls(refund("approved")), ANSWER),))
    scripts = scripts_of({"real": conversation}, approval_timeout=1)
    async with serve_model(ModelServer(scripts=scripts)) as (url, log):
        result = await measure_agent(
            agent_servers, tmp_path / "result", [as_task("real", conversation)], model_base_url=url
        )
    assert len(log.served) == 4  # two per engine
    assert kinds(result, "temporal", "real") == {
        "start_workflow": (1, 0),
        "accept_workflow_update": (1, 0),
        "start_timer": (1, 0),
        "signal_workflow": (1, 0),
        "schedule_activity": (3, 0),
    }
    assert kinds(result, "inngest", "real") == {
        "function_run": (1, 0),
        "step.wait_for_event": (1, 0),
        "step.run": (4, 0),
    }
