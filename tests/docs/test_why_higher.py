"""The figures of docs/why-higher.md are what its examples cost on real servers, and what the rules say they cost."""

import asyncio
import re
import uuid
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import inngest
import pytest
from examples.activities import ACTIVITIES
from examples.entered import bodies
from examples.functions import EXAMPLES, functions
from examples.workflows import WORKFLOWS
from temporalio.worker import Worker

from durameter.config import Config
from durameter.engines.base import TaskCount
from durameter.engines.inngest.engine import InngestEngine
from durameter.engines.temporal.engine import TemporalEngine
from durameter.results.reconcile import Reconciliation
from durameter_collectors.inngest.api.graphql import ENDED
from durameter_collectors.rulebook import load_rulebook
from durameter_collectors.units import TaskLabel
from running import patience

PAGE = Path(__file__).parents[2] / "docs" / "why-higher.md"
pytestmark = pytest.mark.servers

# (engine, example) → kind → units, from docs/rules-temporal.md and docs/rules-inngest.md.
BY_HAND: dict[tuple[str, str], dict[str, int]] = {
    # wait_for around the activity is a timer, although the activity is in time; wait_condition with a time-out another.
    ("Temporal", "time_limits"): {"start_workflow": 1, "schedule_activity": 1, "start_timer": 2},
    # One goes at 0 s, 2.4 s (0.8 of the 3 s) and 4.8 s; the next would at 7.2 s, after the end at 6 s.
    ("Temporal", "heartbeats"): {"start_workflow": 1, "schedule_activity": 1, "record_activity_heartbeat": 3},
    # Attempts 2 and 3.
    ("Temporal", "retries"): {"start_workflow": 1, "schedule_activity": 1, "retry_activity": 2},
    ("Inngest", "retries"): {"function_run": 1, "step.run": 1},
    # 10 / 1 and 10 / 5 batches, each a signal.
    ("Temporal", "stream_by_word"): {"start_workflow": 1, "schedule_activity": 1, "signal_workflow": 10},
    ("Temporal", "stream_in_halves"): {"start_workflow": 1, "schedule_activity": 1, "signal_workflow": 2},
    # 3 lists or 1, 3 model calls, 2 tool calls.
    ("Temporal", "tools_listed_every_turn"): {"start_workflow": 1, "schedule_activity": 3 + 3 + 2},
    ("Temporal", "tools_listed_once"): {"start_workflow": 1, "schedule_activity": 1 + 3 + 2},
    ("Inngest", "tools_listed_every_turn"): {"function_run": 1, "step.run": 3 + 3 + 2},
    ("Inngest", "tools_listed_once"): {"function_run": 1, "step.run": 1 + 3 + 2},
    # The parent's start; intent and start of the child; the child's activity.
    ("Temporal", "child"): {"start_workflow": 1, "start_child_workflow": 2, "schedule_activity": 1},
    # Two runs, the step that invokes, the step of the invoked one.
    ("Inngest", "child"): {"function_run": 2, "step.invoke": 1, "step.run": 1},
    ("Temporal", "sleeps"): {"start_workflow": 1, "schedule_activity": 1, "start_timer": 2},
    ("Inngest", "sleeps"): {"function_run": 1, "step.run": 1, "step.sleep": 2},
    # Five looks, four naps between them.
    ("Temporal", "polling"): {"start_workflow": 1, "schedule_activity": 5, "start_timer": 4},
    ("Inngest", "polling"): {"function_run": 1, "step.run": 5, "step.sleep": 4},
    # Reserve, charge (in vain), undo.
    ("Temporal", "failure"): {"start_workflow": 1, "schedule_activity": 3},
    # Reserve and charge; the handler is a run of its own with one step.
    ("Inngest", "failure"): {"function_run": 2, "step.run": 2 + 1},
    # With and without replays.
    ("Temporal", "three_steps"): {"start_workflow": 1, "schedule_activity": 3},
    ("Temporal", "three_steps_replayed"): {"start_workflow": 1, "schedule_activity": 3},
    ("Inngest", "three_steps_replayed"): {"function_run": 1, "step.run": 3},
}
# What is billed on top if the open question of each engine is answered so: attempts 2 and 3 of the step.
OPEN = {("Inngest", "retries"): {"step_retry": 2}}


@dataclass(frozen=True)
class Seen:
    """What was measured."""

    counts: dict[tuple[str, str], TaskCount]
    proofs: list[Reconciliation]
    entered: Counter[str]
    """How often the bodies of the examples of replays were entered."""

    def kinds(self, reading: str) -> dict[tuple[str, str], dict[str, int]]:
        """(engine, example) → kind → units, without those that have none."""
        found = {}
        for key, count in self.counts.items():
            kinds = Counter[str]()
            for unit in count.units:
                if unit.reading == reading:
                    kinds[unit.kind] += int(unit.quantity)
            if kinds:
                found[key] = dict(kinds)
        return found


async def _on_temporal(config: Config, folder: Path) -> tuple[dict[tuple[str, str], TaskCount], list[Reconciliation]]:
    names = [example for engine, example in BY_HAND if engine == "Temporal"]
    async with TemporalEngine().session(config, folder, print) as session:
        usual, forgetful = (
            Worker(
                session.client,
                task_queue=queue,
                workflows=WORKFLOWS,
                activities=ACTIVITIES,
                max_cached_workflows=cached,
            )
            for queue, cached in (("usual", 100), ("forgetful", 0))
        )
        async with usual, forgetful:
            await asyncio.gather(
                *(
                    session.client.execute_workflow(
                        name, id=name, task_queue="forgetful" if name.endswith("replayed") else "usual"
                    )
                    for name in names
                )
            )
        counts = {
            ("Temporal", name): await session.count([name], TaskLabel("tests/why", "default", name)) for name in names
        }
        proofs = await session.reconcile([unit for count in counts.values() for unit in count.units])
        return counts, list(proofs)


async def _on_inngest(config: Config, folder: Path) -> tuple[dict[tuple[str, str], TaskCount], list[Reconciliation]]:
    async with InngestEngine().session(config, folder, print) as session:
        client = session.client(f"why{uuid.uuid4().hex[:10]}")
        async with session.serve(client, functions(client)):
            roots = {
                name: await client.send(inngest.Event(name=f"{client.app_id}/{name}", data={})) for name in EXAMPLES
            }
            async with asyncio.timeout(60 * patience()):
                for [event] in roots.values():
                    while not ((runs := await session.api.runs_of_event(event)) and runs[0].status in ENDED):
                        await asyncio.sleep(0.2)
            counts = {
                ("Inngest", name): await session.count(events, TaskLabel("tests/why", "default", name))
                for name, events in roots.items()
            }
            proofs = await session.reconcile([unit for count in counts.values() for unit in count.units])
        return counts, list(proofs)


@pytest.fixture(scope="module")
async def seen(shared_servers: Config, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """All examples, run once on both servers."""
    bodies.clear()
    (temporal, on_temporal), (inngest_, on_inngest) = await asyncio.gather(
        _on_temporal(shared_servers, tmp_path_factory.mktemp("temporal-examples")),
        _on_inngest(shared_servers, tmp_path_factory.mktemp("inngest-examples")),
    )
    return Seen(temporal | inngest_, on_temporal + on_inngest, Counter(bodies))


def _amounts(cell: str) -> dict[str, int]:
    """The kinds in a cell, such as "`start_workflow` 1, `start_timer` 2"."""
    return {kind: int(number) for kind, number in re.findall(r"`([\w.]+)` (\d+)", cell)}


@dataclass(frozen=True)
class Row:
    """A row of the page's table."""

    cause: int
    expected: int
    counted: dict[str, int]
    total: int
    open: dict[str, int]


def _rows() -> dict[tuple[str, str], Row]:
    rows = {}
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and cells[0].isdecimal():
            cause, engine, example, expected, counted, total, also = cells
            key = (engine, example.strip("`"))
            assert key not in rows, f"{key} is in the table twice"
            rows[key] = Row(int(cause), int(expected), _amounts(counted), int(total), _amounts(also))
    return rows


async def test_each_example_costs_what_the_rules_say(seen: Seen) -> None:
    assert seen.kinds("documented") == BY_HAND
    assert seen.kinds("upper") == OPEN
    assert {key: count.gaps for key, count in seen.counts.items() if count.gaps} == {}


async def test_the_page_says_what_was_measured(seen: Seen) -> None:
    rows = _rows()
    assert {key: row.counted for key, row in rows.items()} == seen.kinds("documented")
    assert {key: row.open for key, row in rows.items() if row.open} == seen.kinds("upper")
    assert {key: row.total for key, row in rows.items()} == {
        key: sum(kinds.values()) for key, kinds in seen.kinds("documented").items()
    }


async def test_the_sources_agree_about_all_of_it(seen: Seen) -> None:
    assert len(seen.proofs) >= 2
    assert [proof for proof in seen.proofs if proof.state != "agrees"] == []


async def test_replays_happened_and_cost_nothing(seen: Seen) -> None:
    # Three activities, or three steps, each ended before the next began: four times from the top without a memory.
    assert seen.entered["three_steps_replayed"] >= 4
    assert seen.entered["inngest/three_steps_replayed"] >= 4
    plain, replayed = (seen.kinds("documented")["Temporal", name] for name in ("three_steps", "three_steps_replayed"))
    assert plain == replayed


async def test_the_rules_that_a_cause_names_are_those_of_its_units(seen: Seen) -> None:
    _, *sections = re.split(r"^## (?=\d+\. )", PAGE.read_text(), flags=re.MULTILINE)
    assert [int(section.partition(".")[0]) for section in sections] == list(range(1, 11))
    rows = _rows()
    for cause, section in enumerate(sections, 1):
        said = dict(re.findall(r"^(Temporal|Inngest): rules? (.+)\.$", section, re.MULTILINE))
        assert set(said) == {engine for (engine, _), row in rows.items() if row.cause == cause}, section
        for engine, words in said.items():
            rules = [load_rulebook(engine.lower()).rule(name) for name in re.findall(r"`(\w+)`", words)]
            of_units = {
                unit.rule
                for key, count in seen.counts.items()
                if key[0] == engine and rows[key].cause == cause
                for unit in count.units
            }
            assert rules
            assert {rule.id for rule in rules if rule.quantity} <= of_units, section
