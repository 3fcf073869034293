"""The public names, as they are; the verbs on a stored result. Those that need servers are measured elsewhere."""

import ast
import asyncio
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

import durameter
import durameter.engines
import durameter.inngest
import durameter.temporal
from durameter import Result, UsageError, read_result, to_markdown
from durameter.registry import engines

RESULT = Path(__file__).parent / "cli" / "results" / "agreeing"

NAMES = set(
    re.findall(
        r"\w+",
        """
    Budget Config Driver DurameterError EngineMissingError EnginePlugin EngineResult Gap Implementation Measured
    Measurement Observer Outage Result ResultError RetryPolicy RunContext Scenario Task TaskFailedError TaskResult Unit
    UsageError Workload count load_config make_config measure read_result serve_app to_markdown watch
""",
    )
)

FOR_ENGINES = set(
    re.findall(
        r"\w+",
        """
    Config CountRequest Counting Elsewhere Engine EngineMissingError EnginePlugin EngineResult FilesRead Finding Found
    Gap Progress Quantity Reading Reconciliation Recorded Result ResultWriter RetryPolicy Rulebook RunningServer Section
    ServerInfo Session TaskCount TaskKey TaskLabel TaskResult Unit UsageError WORKLOAD WatchOptions Watched
    against_meter answered cause_of count_kinds estimates nowhere safe_id state_of unseen_kinds
""",
    )
)


@pytest.fixture(scope="module")
def result() -> Result:
    return read_result(str(RESULT))


def test_names_are_these() -> None:
    assert sorted(durameter.__all__) == sorted(NAMES)
    assert sorted(durameter.engines.__all__) == sorted(FOR_ENGINES)
    assert all(getattr(durameter.engines, name) for name in FOR_ENGINES)
    own = {name for engine in engines() for name in engine.exports if engine.name in ("temporal", "inngest")}
    assert own == {"TemporalSession", "InngestSession", "wait_for_runs"}
    assert durameter.temporal.__all__ == ["TemporalSession"]
    assert durameter.inngest.__all__ == ["InngestSession", "serve_app", "wait_for_runs"]
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = durameter.nonsense  # type: ignore[attr-defined]


def test_type_checkers_know_the_same_names() -> None:
    def known(package: ModuleType) -> set[str | None]:
        stub = ast.parse(Path(str(package.__file__)).with_suffix(".pyi").read_text())
        return {each.asname for line in stub.body if isinstance(line, ast.ImportFrom) for each in line.names}

    assert known(durameter) == {*NAMES, "TemporalSession", "InngestSession", "wait_for_runs"}
    assert known(durameter.engines) == FOR_ENGINES


@pytest.mark.parametrize("first", ["pass", "import durameter.runner.run, durameter.watcher.watch"])
def test_verbs_can_be_called_whatever_was_imported_before(first: str) -> None:
    code = f"""
import durameter
{first}
for verb, wrong in ((durameter.measure, "no/such"), (durameter.watch, ["no-such-program"])) * 2:
    try:
        verb(wrong)
    except durameter.UsageError as error:
        print(str(error)[:20])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == 4


def test_a_path_may_be_text_or_the_file(result: Result) -> None:
    for path in (RESULT, RESULT / "measurement.json", str(RESULT / "measurement.json")):
        assert read_result(path) == result


def test_units_are_a_table(result: Result) -> None:
    units = result.units()
    assert units.equals(pl.read_parquet(RESULT / "ledger.parquet"))
    assert units.schema["quantity"] == pl.Decimal(18, 6)


def test_tasks_are_a_table(result: Result) -> None:
    tasks = result.tasks()
    every = [(engine.engine, task) for engine in result.measurement.engines for task in engine.tasks]
    assert list(zip(tasks["engine"], tasks["task"], tasks["units"], tasks["units_upper"], strict=True)) == [
        (engine, task.task, task.units, task.units_upper) for engine, task in every
    ]
    assert tasks["model_calls"].to_list() == [task.covariates["model_calls"] for _, task in every]


def test_a_covariate_with_the_name_of_a_column_has_one_of_its_own(result: Result) -> None:
    engine = result.measurement.engines[0]
    task = engine.tasks[0].model_copy(update={"covariates": {"units": 7.0}})
    engines_ = (engine.model_copy(update={"tasks": (task,)}),)
    tasks = Result(result.folder, result.measurement.model_copy(update={"engines": engines_}), []).tasks()
    assert (tasks["covariate_units"][0], tasks["units"][0]) == (7.0, task.units)


def test_a_notebook_shows_text_and_no_markup_of_others(result: Result) -> None:
    bad = result.measurement.model_copy(update={"workload": "<script>alert(1)</script>"})
    page = Result(result.folder, bad, result.ledger)._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert page.count("<tr>") == 1 + len(bad.engines)


def test_verbs_of_a_result(result: Result) -> None:
    assert result.report("2M").volume == result.report(2_000_000).volume == result.report(2e6).volume == 2_000_000
    checked = result.check(durameter.Budget(units_per_task=Decimal(10_000)))
    assert checked.exit_code == 0
    for found in (result.report(), checked, result.diff(result), result.profile(), result.project(1000, draws=1000)):
        assert to_markdown(found).strip()


def test_a_call_within_a_running_loop_has_one_of_its_own() -> None:
    async def inside() -> None:
        durameter.watch(["no-such-program"])

    with pytest.raises(UsageError, match="no-such-program"):
        asyncio.run(inside())

    async def portal() -> int:
        from durameter.api import _finished

        return _finished(lambda: asyncio.sleep(0, 3))

    assert asyncio.run(portal()) == 3
