"""What a real measurement leaves: the ledger, the raw records, the export, and that they all say the same."""

import gzip
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from measuring import engine_of, measure_agent
from temporalio.client import WorkflowHistory

from durameter import Result, read_result
from durameter.config import Config
from durameter.results.model import count_kinds
from durameter_collectors.inngest.api.graphql import RunTrace
from durameter_collectors.inngest.merge_sources import count_run
from durameter_collectors.inngest.wire.rows import ROW
from durameter_collectors.inngest.wire.runs import runs_on_wire
from durameter_collectors.ledger import read_ledger
from durameter_collectors.rulebook import load_rulebook
from durameter_collectors.temporal.history import count_history
from durameter_collectors.units import TaskLabel, Unit
from otlp_receiver import Receiver, decimal, grpc_receiver

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
async def exported(agent_servers: Config, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Receiver]:
    """Six tasks on both engines, exported to a real OTLP receiver while they are measured."""
    folder = tmp_path_factory.mktemp("exported") / "result"
    with grpc_receiver() as receiver, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint)
        patch.setenv("OTEL_EXPORTER_OTLP_INSECURE", "true")
        faults = {"rate_limited": 0.2, "server_errors": 0.1}
        result = await measure_agent(agent_servers, folder, 6, seed=3, exporter="otlp-grpc", faults=faults)
    return result, receiver


def test_the_counters_that_arrive_equal_the_ledger(exported: tuple[Result, Receiver]) -> None:
    result, receiver = exported
    assert result.measurement.telemetry_problems == ()
    mine: Counter[tuple[str, str, str]] = Counter()
    for unit in result.ledger:
        mine[unit.engine, unit.kind, unit.reading] += int(unit.quantity)
    theirs: dict[tuple[str, str, str], Decimal] = {}
    for point in receiver.points():
        words = point.attributes
        key = (words["durameter.engine"], words["durameter.kind"], words["durameter.reading"])
        theirs[key] = theirs.get(key, Decimal(0)) + decimal(point.value)
    assert theirs == dict(mine)


def test_there_is_a_trace_per_task_with_a_span_per_unit(exported: tuple[Result, Receiver]) -> None:
    result, receiver = exported
    tasks = sum(len(engine.tasks) for engine in result.measurement.engines)
    spans = receiver.spans()
    assert len({span.trace_id for span in spans}) == tasks == 12
    evidence = Counter(
        span.attributes["durameter.evidence"] for span in spans if "durameter.evidence" in span.attributes
    )
    assert evidence == Counter(unit.evidence for unit in result.ledger)


def test_what_is_read_back_is_what_was_measured(exported: tuple[Result, Receiver]) -> None:
    result, _ = exported
    again = read_result(result.folder)
    assert again.measurement == result.measurement
    assert again.ledger == result.ledger


def test_the_journal_alone_holds_all_that_was_counted(exported: tuple[Result, Receiver], tmp_path: Path) -> None:
    """A killed measurement has nothing else."""
    result, _ = exported
    (tmp_path / "journal.jsonl").write_bytes((result.folder / "journal.jsonl").read_bytes())
    again = read_result(tmp_path)
    assert again.measurement.state == "incomplete"
    assert again.measurement.engines == result.measurement.engines
    assert again.ledger == result.ledger


def test_every_count_can_be_made_again_from_the_raw_records(exported: tuple[Result, Receiver]) -> None:
    result, _ = exported
    for engine in result.measurement.engines:
        for task in engine.tasks:
            label = TaskLabel(result.measurement.workload, engine.variant, task.task)
            folder = result.folder / "records" / engine.engine / task.task
            files = {file.name.partition(".")[0]: file for file in folder.iterdir()}
            rows = gzip.decompress(files.pop("wire").read_bytes()).splitlines()  # Temporal's histories show everything
            seen = runs_on_wire(map(ROW.validate_json, rows)) if engine.engine == "inngest" else {}
            assert set(files) == set(task.runs)
            units: list[Unit] = []
            for run, file in files.items():
                record = gzip.decompress(file.read_bytes()).decode()
                if engine.engine == "temporal":
                    events = WorkflowHistory.from_json(task.task, record).events
                    units += count_history(events, workflow=task.task, run=run, label=label).units
                else:
                    units += count_run(RunTrace.model_validate_json(record), seen[run], label=label).units
            assert count_kinds(units, load_rulebook(engine.engine)) == task.kinds, task.task


def test_the_ledger_file_is_the_ledger(exported: tuple[Result, Receiver]) -> None:
    result, _ = exported
    assert read_ledger(result.folder / "ledger.parquet") == result.ledger
    assert sum(task.units for engine in result.measurement.engines for task in engine.tasks) == sum(
        unit.quantity for unit in result.ledger if unit.reading == "documented"
    )


def test_units_are_tied_to_agent_steps_on_both_engines(exported: tuple[Result, Receiver]) -> None:
    """The same steps have the same names, whatever the engine."""
    result, _ = exported
    steps = {
        name: {(u.task, u.step) for u in result.ledger if u.engine == name and u.cause == "call_model"}
        for name in ("temporal", "inngest")
    }
    assert steps["temporal"] == steps["inngest"]
    assert ("conversation-0001", "message 1 / call_model 1") in steps["temporal"]


def test_environment_and_versions_are_recorded(exported: tuple[Result, Receiver]) -> None:
    measurement = exported[0].measurement
    assert {"python", "platform", "processors", "packages"} <= set(measurement.environment)
    assert engine_of(exported[0], "temporal").rulebook
    assert measurement.options["faults"] == {
        "rate_limited": 0.2,
        "server_errors": 0.1,
        "retry_after_seconds": 1,
        "broken_streams": 0.0,
        "most_in_a_row": 3,
        "fails_for_good": [],
        "outage_seconds": 0.0,
        "held_attempts": 0,
    }
    server = engine_of(exported[0], "temporal").server
    assert server is not None
    assert server.version == "1.32.0"
    assert json.loads((exported[0].folder / "measurement.json").read_text())["schema_version"] == 2
