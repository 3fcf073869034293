"""Real histories that the conformance suite made, counted from files: run by run what the suite's own ledger says."""

import asyncio
import gzip
import json
import math
import re
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest
from backports import zstd
from history_forms import FORMS, export

from conformance_run import conformance_run
from durameter.config import make_config
from durameter.engines.base import TaskCount
from durameter.engines.counting import CountRequest
from durameter.registry import load_engine
from durameter.results.estimates import unseen_kinds
from durameter.results.folder import Result, read_result
from durameter_collectors.units import Unit
from running import run

COUNTING = load_engine("temporal").counting()
RECORDED = load_engine("temporal").recorded()


HISTORIES = 1000
SLOW = (
    "28 s",
    "heartbeat",
    "schedule",
    "stream",
    "delayed",
    "standalone",
    "batch",
    "versioned",
    "still running",
    "id used again",
    "start that terminates",
)
"""Parts of names of scenarios whose runs are more than one task, or that make no workflow."""
FAMILIES = {
    "child tree": 4,
    "continue-as-new twice": 3,
    "child that is retried": 3,
    "child that continues as new": 3,
    "workflow retried twice": 3,
    "reset run reset again": 3,
    "child": 2,
    "child that fails": 2,
    "Nexus operation by a workflow": 2,
}
"""Scenarios whose runs are one task, and how many runs (tests/workloads/conformance derives their Actions)."""

pytestmark = [
    pytest.mark.servers(last=True),
    pytest.mark.timeout(1200),
]  # for the whole suite, where nobody else has run it

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PREFIX = re.compile(r"\bc[0-9a-f]{10}(?=-)")
"""Begins the ids of workflows of one scenario."""


@dataclass
class Made:
    """What the suite left."""

    folder: Path
    """One JSON file per run."""
    counts: list[tuple[str, TaskCount]] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    """Run → its history."""

    @property
    def ledger(self) -> list[Unit]:
        return [unit for _, count in self.counts for unit in count.units]


def renamed(text: str, number: int) -> str:
    """The same history, or part of one, of other workflows: ids of a copy differ from those of every other."""
    if number == 0:
        return text
    text = UUID.sub(lambda found: str(uuid.uuid5(uuid.UUID(int=number), found[0])), text)
    return PREFIX.sub(lambda found: f"c{uuid.uuid5(uuid.UUID(int=number), found[0]).hex[:10]}", text)


def copied(count: TaskCount, number: int) -> TaskCount:
    def again(unit: Unit) -> Unit:
        return unit.model_copy(update={"run": renamed(unit.run, number), "evidence": renamed(unit.evidence, number)})

    return TaskCount(
        units=[again(unit) for unit in count.units],
        gaps=[gap.model_copy(update={"run": renamed(gap.run, number)}) for gap in count.gaps],
        runs=[renamed(run, number) for run in count.runs],
    )


@pytest.fixture(scope="module")
def made(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The histories of the conformance run, and copies of them with other ids until there are enough."""
    counts = {
        name: count
        for name, count in conformance_run(run_folder).counts.items()
        if not any(part in name for part in SLOW)
    }
    texts = {
        name.removesuffix(".json.gz"): gzip.decompress(packed).decode()
        for count in counts.values()
        for name, packed in count.records.items()
        if name.endswith(".json.gz")
    }
    found = Made(tmp_path_factory.mktemp("suite") / "histories")
    found.folder.mkdir()
    for number in range(math.ceil(HISTORIES / len(texts))):
        found.counts += [(name, copied(count, number)) for name, count in counts.items()]
        found.texts |= {renamed(run, number): renamed(text, number) for run, text in texts.items()}
    for name, text in found.texts.items():
        (found.folder / f"{name}.json").write_text(text)
    return found


def of_histories(units: Iterable[Unit]) -> dict[str, Counter[tuple[str, str, str, Decimal]]]:
    """Run → its units, by evidence, rule, reading and quantity.

    The suite's ledger has names from the wire, which histories cannot know: a start by update-with-start, and a
    signal-with-start to a running workflow. Such a row has the call beside the event.
    """
    plain = {"update_with_start": "start", "start_untold": "start", "signal_with_start": "signal"}
    found: dict[str, Counter[tuple[str, str, str, Decimal]]] = defaultdict(Counter)
    for unit in units:
        if unit.source == "history":
            event, by_wire, _ = unit.evidence.partition(", call ")
            rule = plain[unit.rule] if by_wire else unit.rule
            found[unit.run][event, rule, unit.reading, unit.quantity] += 1
    return dict(found)


def count_again(paths: list[Path], out: Path) -> Result:
    return COUNTING.count_files(CountRequest(lambda: out, make_config(), paths=tuple(paths)), lambda _read: None)


async def test_a_thousand_histories_count_as_the_suite_counted_them(made: Made, tmp_path: Path) -> None:
    """By the command itself, in a process of its own."""
    assert len(made.texts) >= HISTORIES
    ended = await asyncio.to_thread(run, "count", made.folder, "--out", tmp_path / "out", "--json", cwd=tmp_path)
    gaps = [gap for _, count in made.counts for gap in count.gaps]
    result = read_result(tmp_path / "out")
    (engine,) = result.measurement.engines
    assert result.measurement.about["runs"] == len(made.texts)
    assert of_histories(result.ledger) == of_histories(made.ledger)
    assert {run for task in engine.tasks for run in task.runs} == set(made.texts)
    assert sum(len(task.runs) for task in engine.tasks) == len(made.texts)
    assert ended.status == (4 if gaps or any(task.gaps for task in engine.tasks) else 1), ended.err
    assert json.loads(ended.out)["engines"][0]["engine"] == "temporal"
    assert f"{len(made.texts)} of {len(made.texts)} files read" in ended.err


async def test_what_files_lack_of_the_ledger_is_named(made: Made, tmp_path: Path) -> None:
    """The suite's ledger also has rows of the wire and of descriptions: each of a kind that is said not to be seen."""
    result = await asyncio.to_thread(count_again, [made.folder], tmp_path / "out")
    (engine,) = result.measurement.engines
    beside = [unit for unit in made.ledger if unit.source != "history"]
    retries = {unit.run for unit in beside if unit.kind == "retry_activity"}
    assert {unit.kind for unit in beside} - set(unseen_kinds(RECORDED)) <= {"retry_activity"}
    assert {unit.kind for unit in beside} >= {"query_workflow", "reject_workflow_update"}
    said = " ".join(engine.unseen)
    assert all(unit.kind in said for unit in beside)
    gaps = {gap.run for task in engine.tasks for gap in task.gaps if "given up" in gap.what}
    assert retries
    assert retries <= gaps
    total = sum(unit.quantity for unit in made.ledger)
    assert sum(unit.quantity for unit in result.ledger) + sum(unit.quantity for unit in beside) == total


async def test_families_are_one_task(made: Made, tmp_path: Path) -> None:
    result = await asyncio.to_thread(count_again, [made.folder], tmp_path / "out")
    (engine,) = result.measurement.engines
    task_of = {run: task for task in engine.tasks for run in task.runs}
    for name, count in made.counts:
        tasks = {task_of[run].task: task_of[run] for run in count.runs if run in task_of}
        assert all(set(task.runs) <= set(count.runs) for task in tasks.values()), name
        if name in FAMILIES:
            (task,) = tasks.values()
            assert len(task.runs) == FAMILIES[name], name
            assert task.units + sum((u.quantity for u in count.units if u.source != "history"), Decimal(0)) == sum(
                u.quantity for u in count.units if u.reading == "documented"
            )


@pytest.mark.parametrize("form", [*FORMS, "one export", "one export.zst", "one gzipped line each"])
async def test_every_form_of_them_counts_the_same(form: str, made: Made, tmp_path: Path) -> None:
    texts = dict(list(made.texts.items())[:: 1 if form.startswith("one export") else 4])
    files = tmp_path / "files"
    files.mkdir()
    if form == "one export":
        (files / "export").write_bytes(export(texts.values()))
    elif form == "one export.zst":
        (files / "export.zst").write_bytes(zstd.compress(export(texts.values())))
    elif form == "one gzipped line each":
        lines = "\n".join(json.dumps(json.loads(text)) for text in texts.values())
        (files / "lines.gz").write_bytes(gzip.compress(lines.encode()))
    else:
        for name, text in texts.items():
            (files / f"{name}.{form}").write_bytes(FORMS[form](text))
    result = await asyncio.to_thread(count_again, [files], tmp_path / "out")
    expected = {run: units for run, units in of_histories(made.ledger).items() if run in texts}
    assert of_histories(result.ledger) == expected
    assert result.measurement.about["not_histories"] == 0
