"""The dev server's database: when it may be read, which table speaks, and what broken ones lead to."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from durameter_collectors.inngest.store.read import StoreError, counts_in_store, read_store

LOOK, PLAN = "a" * 40, "b" * 40
RUN = "01M848CVAJQV2CGNMBWN7TMNPX"
SPANS = (
    "CREATE TABLE spans (span_id TEXT, name TEXT, dynamic_span_id TEXT, parent_span_id TEXT, start_time TEXT, "
    "status TEXT, run_id TEXT, attributes JSON, is_deferred BOOLEAN)"
)
HISTORY = (
    "CREATE TABLE history (run_id BLOB, function_id TEXT, type TEXT, attempt INT, step_name TEXT, step_id TEXT, "
    "step_type TEXT, group_id TEXT, result TEXT)"
)
FUNCTIONS = "CREATE TABLE functions (id TEXT, slug TEXT)"


class Database:
    """A store written by hand."""

    def __init__(self, file: Path, *tables: str, wal: bool = True) -> None:
        self.file = file
        self._clock = 0
        with closing(sqlite3.connect(file)) as store:
            store.execute(f"PRAGMA journal_mode = {'WAL' if wal else 'DELETE'}")
            for table in tables:
                store.execute(table)
            store.commit()

    def span(
        self, name: str, dynamic: str, parent: str = "", status: str = "", *, at: int | None = None, **said: Any
    ) -> None:
        self._clock += 1
        attributes = {"_inngest." + key.replace("__", "."): value for key, value in said.items()}
        row = (name, dynamic, parent, f"{at or self._clock:04}", status, RUN, json.dumps(attributes))
        with closing(sqlite3.connect(self.file)) as store:
            store.execute(
                "INSERT INTO spans (name, dynamic_span_id, parent_span_id, start_time, status, run_id, attributes) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                row,
            )
            store.commit()

    def request(self, job: str, attempt: int, parent: str, status: int, ops: list[dict[str, str]]) -> None:
        dynamic = f"{job}{attempt}"
        self.span("executor.execution", dynamic, parent, "Running", job__id=job, step__attempt=attempt)
        said = {"response__status_code": status, "response__step__ops": json.dumps(ops)}
        self.span("EXTEND", dynamic, parent, "Completed", **said)


@pytest.fixture
def spans(tmp_path: Path) -> Database:
    database = Database(tmp_path / "main.db", SPANS, HISTORY, FUNCTIONS)
    database.span("executor.run", "run", status="Queued", function__slug="app-one")
    return database


def test_both_forms_of_retry_are_attempts(spans: Database) -> None:
    """Job 1: two function-level failures, then a step: 3 attempts. Job 2: a step error, then the step: 2 attempts.

    Job 3 fails twice and ends the run: 1 retry that no step shows. Requests: 3 + 2 + 2.
    """
    spans.request("one", 0, "d", 500, [])
    spans.request("one", 1, "d", 500, [])
    spans.request("one", 2, "d", 206, [{"op": "StepRun", "id": LOOK, "name": "look"}])
    spans.span("executor.step", "s1", "run", step__id=LOOK, step__op="StepRun", step__attempt=2)
    spans.request("two", 0, "d", 206, [{"op": "StepError", "id": PLAN, "name": "b"}])
    spans.request("two", 1, "d", 206, [{"op": "StepRun", "id": PLAN, "name": "b"}])
    spans.request("three", 0, "d", 500, [])
    spans.request("three", 1, "d", 500, [])
    spans.span("EXTEND", "run", status="Failed")
    reading = read_store(spans.file)
    run = reading.runs[RUN]
    assert (reading.table, run.function, run.status) == ("spans", "app-one", "FAILED")
    assert {step_id: step.attempts for step_id, step in run.steps.items()} == {LOOK: 3, PLAN: 2}
    assert (run.requests, run.unanswered, run.function_retries, run.problems) == (7, 0, 1, [])
    assert counts_in_store(reading.runs) == {RUN: {"function_run": 1, "step.run": 2, "step_retry": 2 + 1}}


def test_a_planned_step_counts_once_it_was_asked_for_and_answered(spans: Database) -> None:
    """Two steps are planned. One fails twice as the function's error: it has an id by its plan. The other's request is
    never sent, since the run has ended."""
    for at, (step_id, name, discovery) in enumerate([(LOOK, "look", "d1"), (PLAN, "late", "d2")], start=100):
        said = {"step__id": step_id, "step__name": name, "step__op": "StepPlanned", "request__id": "r"}
        spans.span("executor.step.discovery", discovery, "run", at=at, request__id="r")
        spans.span("executor.step", f"s{at}", "run", "Queued", at=at, **said)
    spans.request("one", 0, "d1", 500, [])
    spans.request("one", 1, "d1", 500, [])
    spans.request("two", 0, "d2", 0, [])
    run = read_store(spans.file).runs[RUN]
    assert {step.name: step.attempts for step in run.steps.values()} == {"look": 2}
    assert (run.planned, run.requests, run.unanswered, run.function_retries) == ({PLAN: "late"}, 3, 1, 0)


def test_two_steps_planned_at_once_are_said_to_be_indistinguishable(spans: Database) -> None:
    for step_id, discovery in ((LOOK, "d1"), (PLAN, "d2")):
        spans.span("executor.step.discovery", discovery, "run", at=9, request__id="r")
        spans.span("executor.step", step_id, at=9, step__id=step_id, step__op="StepPlanned", request__id="r")
    assert any("cannot be told" in problem for problem in read_store(spans.file).runs[RUN].problems)


def test_a_skipped_run_costs_nothing(spans: Database) -> None:
    spans.span("EXTEND", "run", status="Skipped")
    assert counts_in_store(read_store(spans.file).runs) == {RUN: {}}


def test_only_the_wanted_runs(spans: Database) -> None:
    assert set(read_store(spans.file, runs=[RUN]).runs) == {RUN}
    assert read_store(spans.file, runs=["another"]).runs == {}


def test_attributes_that_cannot_be_read_are_a_problem(spans: Database) -> None:
    with closing(sqlite3.connect(spans.file)) as store:
        store.execute(
            "INSERT INTO spans (name, run_id, start_time, attributes) VALUES ('executor.step', ?, 1, '{')", [RUN]
        )
        store.commit()
    spans.span("executor.step", "s", step__id=LOOK, step__op="Teleport")
    problems = read_store(spans.file).runs[RUN].problems
    assert len(problems) == 2
    assert any("Teleport" in problem for problem in problems)


def test_without_the_newer_columns_the_history_speaks(tmp_path: Path) -> None:
    """1.12: a failed attempt has the step id `step`; it is of the step that closes its group. 1 step, 1 retry."""
    database = Database(tmp_path / "main.db", SPANS.replace(", is_deferred BOOLEAN", ""), HISTORY, FUNCTIONS)
    replied = json.dumps({"response_headers": {}})
    with closing(sqlite3.connect(database.file)) as store:
        store.execute("INSERT INTO functions VALUES ('f', 'app-one')")
        rows = [
            ("FunctionScheduled", 0, None, None, "g1"),
            ("StepStarted", 0, "step", "step", "g1"),
            ("StepErrored", 0, "step", "step", "g1"),
            ("StepStarted", 1, "step", "step", "g1"),
            ("StepCompleted", 1, "look", LOOK, "g1"),
            ("StepStarted", 0, "step", "step", "g2"),
            ("StepCompleted", 0, "step", "step", "g2"),
            ("FunctionCompleted", 0, None, None, "g2"),
        ]
        run = bytes.fromhex("01A208866D52BEC4C8568BE54FAA56DD")
        store.executemany(
            "INSERT INTO history VALUES (?, 'f', ?, ?, ?, ?, null, ?, ?)", [(run, *row, replied) for row in rows]
        )
        store.commit()
    reading = read_store(database.file)
    [(run_id, found)] = reading.runs.items()
    assert (reading.table, run_id, found.function) == ("history", RUN, "app-one")
    assert (found.status, found.requests, found.function_retries) == ("COMPLETED", 3, 0)
    assert counts_in_store(reading.runs) == {RUN: {"function_run": 1, "step.run": 1, "step_retry": 1}}


def test_a_live_database_that_is_not_in_wal_mode_is_refused(tmp_path: Path) -> None:
    database = Database(tmp_path / "main.db", SPANS, wal=False)
    with closing(sqlite3.connect(database.file)) as server:
        server.execute("SELECT * FROM spans").fetchall()
        with pytest.raises(StoreError, match=r"not in WAL mode .* Stop the server first"):
            read_store(database.file)
    assert read_store(database.file).runs == {}


def test_a_live_database_in_wal_mode_is_read_and_left_as_it_is(spans: Database) -> None:
    before = spans.file.read_bytes()
    with closing(sqlite3.connect(spans.file)) as server:
        server.execute("INSERT INTO spans (name) VALUES ('x')")  # a write that is under way
        assert set(read_store(spans.file).runs) == {RUN}
        server.rollback()
    assert spans.file.read_bytes() == before


def test_no_database_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be read"):
        read_store(tmp_path / "main.db")


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "main.db").write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(StoreError, match="cannot be read"):
        read_store(tmp_path / "main.db")


def test_a_damaged_database_is_said(spans: Database, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.db"
    shutil.copy(spans.file, damaged)
    data = bytearray(damaged.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    damaged.write_bytes(data)
    with pytest.raises(StoreError, match="cannot be read"):
        read_store(damaged)


def test_another_programs_database_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no table"):
        read_store(Database(tmp_path / "main.db", FUNCTIONS).file)
