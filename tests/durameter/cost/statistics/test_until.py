"""`durameter run --until`: how it is written, which batches it makes, what it records, and a real measurement."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from durameter import Task, read_result
from durameter.errors import UsageError
from durameter.results.folder import JOURNAL
from durameter.results.model import (
    KindCount,
    Measurement,
    TaskResult,
    TaskState,
)
from durameter.runner.until import Batches, Until, parse_until, same_beginning
from durameter_workloads.support_agent.workload import workload
from running import command, journal, run

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize("text", ["±5%", "5%", "+-5%", "+/-5 %", " ± 5.0 % "])
def test_a_width(text: str) -> None:
    assert parse_until(text) == pytest.approx(0.05)


@pytest.mark.parametrize("text", ["5", "0.05", "0%", "100%", "-5%", "five", "±", "1e1%", ""])
def test_no_width(text: str) -> None:
    with pytest.raises(UsageError, match="Write it as ±5% or 5%"):
        parse_until(text)


# --- batches


def tasks(count: int) -> list[Task]:
    return [Task(id=f"task-{number}") for number in range(count)]


def results(units: list[int], *, upper: int = 0, state: TaskState = "completed") -> list[TaskResult]:
    """One task of each number of units, of which open questions would add `upper` to every second."""
    return [
        TaskResult(
            task=f"task-{number}",
            state=state,
            kinds={"k": KindCount(documented=Decimal(each), upper=Decimal(upper if number % 2 else 0))},
            started=NOW,
            ended=NOW,
        )
        for number, each in enumerate(units)
    ]


def test_it_stops_when_it_is_narrow_enough() -> None:
    batches = Batches(Until(0.2, 10, 100), tasks(100))
    assert [task.id for task in batches.next()] == [f"task-{number}" for number in range(10)]
    batches.look(results([20, 22, 21, 19, 23, 20, 21, 22, 20, 21]))
    assert not batches.next()
    found = batches.reached("temporal", "update")
    assert (found.reached, found.batches, found.why) == (True, (10,), "")
    assert found.half_width is not None
    assert found.half_width < 0.05


def test_the_next_batch_is_what_seems_missing_and_never_more_than_there_is() -> None:
    batches = Batches(Until(0.05, 4, 100), tasks(100))
    units = [10, 30, 20, 60] * 25
    sizes = []
    while batch := batches.next():
        sizes.append(len(batch))
        said = batches.look(results(units[: sum(sizes)]))
    assert sizes == [4, 4, 8, 16, 32, 36]  # doubled, as it needs some 700 tasks; the last to the cap
    assert "the cap is reached" in said
    found = batches.reached("temporal", "update")
    assert (found.reached, found.tasks) == (False, 100)
    assert found.why.startswith("at the cap of 100 tasks it is ±")


def test_a_later_engine_measures_what_an_earlier_one_did() -> None:
    batches = Batches(Until(0.2, 4, 100), tasks(100), at_least=28)
    assert len(batches.next()) == 28
    assert len(Batches(Until(0.2, 4, 20), tasks(20), at_least=28).next()) == 20


def test_that_no_new_cluster_comes_is_said() -> None:
    alike = [task.model_copy(update={"cluster": "abcd"[number % 4]}) for number, task in enumerate(tasks(40))]
    units = [10, 30, 20, 60, 11, 31, 22, 58]
    found = [
        result.model_copy(update={"cluster": task.cluster}) for result, task in zip(results(units), alike, strict=False)
    ]
    batches = Batches(Until(0.1, 8, 40), alike)
    batches.next()
    assert "no further clusters come" in batches.look(found)
    new = Batches(Until(0.1, 8, 40), [*alike[:39], tasks(40)[39]])
    new.next()
    assert "no further clusters come" not in new.look(found)


def test_both_readings_must_be_narrow_enough() -> None:
    units = [20, 22, 21, 19, 23, 20, 21, 22, 20, 21]
    batches = Batches(Until(0.2, 10, 100), tasks(100))
    batches.next()
    batches.look(results(units, upper=60))
    assert not batches.reached("temporal", "update").reached
    assert batches.next()


def test_without_a_task_that_completes_there_is_no_second_batch() -> None:
    batches = Batches(Until(0.2, 10, 100), tasks(100))
    batches.next()
    assert batches.look(results([20, 30], state="failed")) == "no task completed"
    assert not batches.next()
    assert batches.reached("temporal", "update").why == "no task completed"


def test_it_does_not_stop_before_ten_tasks() -> None:
    batches = Batches(Until(0.2, 1, 100), tasks(100))
    units = [20, 22, 21, 20, 20, 22, 21, 20, 20, 22, 21]
    sizes = []
    while batch := batches.next():
        sizes.append(len(batch))
        batches.look(results(units[: sum(sizes)]))
    assert sizes == [1, 1, 2, 4, 2]
    assert batches.reached("temporal", "update").reached


def test_ten_tasks_must_complete() -> None:
    batches = Batches(Until(0.2, 10, 12), tasks(12))
    while batches.next():
        batches.look(results([20, 22, 21]))
    assert batches.reached("temporal", "update").why.endswith("from 3 tasks that completed: 10 are the least")


# --- the same tasks, however many are asked for


@pytest.mark.parametrize("shorter", [1, 60, 119, 120, 121, 300])
def test_the_reference_agent_makes_the_same_beginning(shorter: int) -> None:
    options = workload.parse_options({})
    same_beginning("support_agent", workload.tasks(500, 3, options), workload.tasks(shorter, 3, options))


def test_another_beginning_is_an_error() -> None:
    with pytest.raises(UsageError, match="makes other tasks when it is asked for 3 than for 2"):
        same_beginning("mine", tasks(3), tasks(3)[1:])


# --- the command line


@pytest.mark.long
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--until", "5"), "--until 5 is not a valid width. Write it as ±5% or 5%"),
        (("--at-most", "20"), "--at-most is the cap of --until"),
        (("--until", "5%", "--at-most", "11", "--tasks", "12"), "--at-most 11 is fewer than the 12 tasks of the first"),
    ],
)
def test_wrong_usage(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    done = run("run", *words, cwd=tmp_path)
    assert (done.status, done.out) == (2, "")
    assert said in done.err
    assert not (tmp_path / "durameter-results").exists()


@pytest.mark.servers
def test_a_real_measurement_until_it_is_narrow_enough(tmp_path: Path) -> None:
    """Two batches or more, in one session of the server, proved at the end; the report says what was reached."""
    folder = tmp_path / "result"
    words = ("run", "-e", "temporal", "--tasks", "3", "--until", "±45%", "--at-most", "24", "--out", folder, "--json")
    done = run(*words, "-o", "faults.rate_limited=0.2", cwd=tmp_path)
    assert done.status == 0, done.err
    report = json.loads(done.out)
    measurement = read_result(folder).measurement
    assert measurement.stopping is not None
    (reached,) = measurement.stopping.engines
    (engine,) = measurement.engines
    assert (measurement.stopping.relative, measurement.stopping.cap) == (0.45, 24)
    assert reached.reached
    assert len(reached.batches) >= 2
    assert len(engine.tasks) == reached.tasks == measurement.task_count
    assert [task.task for task in engine.tasks] == [
        f"conversation-{number:04d}" for number in range(1, reached.tasks + 1)
    ]
    assert all(found.state == "agrees" for found in engine.reconciliations)
    assert reached.half_width is not None
    assert reached.half_width <= 0.45
    mean = report["engines"][0]["certainty"]["mean"]
    assert (mean["high"] - mean["low"]) / 2 / mean["mean"] == pytest.approx(reached.half_width)
    assert report["stopping"] == json.loads(measurement.stopping.model_dump_json())
    assert [line["measurement"]["task_count"] for line in journal(folder) if "measurement" in line] == [24]
    shown = run("report", folder, cwd=tmp_path)
    assert f"reached with {reached.tasks} tasks" in shown.out


@pytest.mark.servers
def test_stopped_in_the_first_batch(tmp_path: Path) -> None:
    """Ctrl-C: only the batch's tasks are in the result, and the rule says that it was not reached."""
    folder = tmp_path / "result"
    words = ("run", "-e", "temporal", "--tasks", "6", "--concurrency", "2", "--until", "1%", "--out", folder)
    with command(*words, folder=folder, cwd=tmp_path) as running:
        running.until_task("temporal")
        running.ctrl_c()
        assert running.end().status == 130
    measurement = read_result(folder).measurement
    assert measurement.stopping is not None
    assert measurement.state == "incomplete"
    assert len(measurement.engines[0].tasks) == 6
    (reached,) = measurement.stopping.engines
    assert (reached.reached, reached.batches, reached.why) == (False, (6,), "the measurement was stopped")
    (folder / "measurement.json").unlink()
    killed = read_result(folder).measurement
    assert (folder / JOURNAL).exists()
    assert killed.stopping is not None
    assert (killed.stopping.relative, killed.stopping.engines) == (0.01, ())


def test_old_results_have_no_rule() -> None:
    new = Path(__file__).parents[2] / "cli" / "results" / "agreeing" / "measurement.json"
    old = json.loads(new.read_text())
    del old["stopping"]
    assert Measurement.model_validate(old).stopping is None
