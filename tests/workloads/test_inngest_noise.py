"""The reference agent on Inngest, many tasks at once while the model limits its rate: the sum and every task."""

from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from expected import expected_units
from measuring import as_task, engine_of, kinds, measure_agent, proof_of, states

from durameter.config import Config
from durameter_workloads.model_server import Faults
from durameter_workloads.support_agent.shape import Conversation
from durameter_workloads.support_agent.shapes import Overlay, draw_conversations

pytestmark = [pytest.mark.servers, pytest.mark.slow]

TASKS, AT_ONCE, SEED = 50, 20, 23
FAULTS = Faults(rate_limited=0.2)
OVERLAY = Overlay(approvals=1, hand_overs=1, parallel_tools=1, reminders=1)
MESSAGES = 2
"""Of each conversation, so that the test is short; every part of the agent is in them."""


@pytest.mark.timeout(300)
async def test_fifty_tasks_twenty_at_once_under_rate_limits(agent_servers: Config, tmp_path: Path) -> None:
    """Each 429 is a RetryAfterError: an attempt more in the upper reading, and nothing in the documented one."""
    drawn = draw_conversations(TASKS, SEED, OVERLAY)
    short = [each.model_copy(update={"messages": each.messages[:MESSAGES]}) for each in drawn]
    result = await measure_agent(
        agent_servers,
        tmp_path / "result",
        [as_task(f"conversation-{number:04d}", each) for number, each in enumerate(short, 1)],
        engines=("inngest",),
        seed=SEED,
        seconds=200,
        concurrency=AT_ONCE,
        faults=FAULTS.model_dump(),
        latency_ms=5,
        reminder_seconds=0.2,
        approval_timeout_seconds=1,
    )
    assert set(states(result, "inngest").values()) == {"completed"}
    tasks = engine_of(result, "inngest").tasks
    assert len(tasks) == TASKS
    # Each task by itself, both readings, by hand.
    both: Counter[str] = Counter()
    for task in tasks:
        conversation = Conversation.model_validate(task.shape)
        should = expected_units("inngest", task.task, conversation, faults=FAULTS, seed=SEED)
        # Before the counts, for if it differs, it is no collector's fault: the app met an error of its own.
        assert task.observed["model_requests"] == should.model_requests, task.task
        counted = kinds(result, "inngest", task.task)
        assert {kind: units for kind, (units, _) in counted.items() if units} == dict(should.documented), task.task
        assert {kind: units for kind, (_, units) in counted.items() if units} == dict(should.upper), task.task
        assert task.gaps == ()
        both += should.documented + should.upper
    # Sums, per kind: what wire and store say of the whole measurement is what was derived by hand.
    assert proof_of(result, "inngest")[0] == "agrees"
    found = {(each.source, each.other): each for each in engine_of(result, "inngest").reconciliations}
    assert set(found) >= {("trace", "wire"), ("trace", "store"), ("store", "wire"), ("runs", "events")}
    for pair in (("trace", "wire"), ("trace", "store"), ("store", "wire")):
        lines = [line for line in found[pair].lines if line.kind in both]
        assert {line.kind: line.other for line in lines} == {k: Decimal(units) for k, units in both.items()}, pair
        assert [line.corrections for line in lines] == [{}] * len(both), pair
    # The comparison would be weaker if chance had left a part out.
    assert sum(task.observed["model_rate_limited"] for task in tasks) > 20
    assert set(both) == {
        "function_run", "step.run", "step.invoke", "step.sleep", "step.wait_for_event", "step_retry",
    }  # fmt: skip
