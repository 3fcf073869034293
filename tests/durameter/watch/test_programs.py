"""Programs that know nothing of durameter, watched as they are: their counts are those derived by hand beside them."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from watching import agreed, finalized, kinds, the_usual_ports, watch

PROGRAMS = Path(__file__).parents[2] / "programs"
pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]


def _module(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{file.parent.name}_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PYTHON = _module(PROGRAMS / "temporal_python" / "expected.py")
TYPESCRIPT = _module(PROGRAMS / "temporal_typescript" / "expected.py")


def test_a_python_program_that_hard_codes_its_address_is_counted_per_root(tmp_path: Path) -> None:
    with the_usual_ports():
        command, folder = [sys.executable, *PYTHON.COMMAND], PROGRAMS / "temporal_python"
        done = finalized(lambda: watch(tmp_path, command=command, cwd=folder))
    agreed(done)
    assert {root: kinds(task) for root, task in done.by_root.items()} == PYTHON.TASKS
    assert {root: task.type for root, task in done.by_root.items()} == PYTHON.TYPES
    ids = [task.task for task in done.engine.tasks]
    assert all(name.replace("-", "").replace("_", "").isalnum() for name in ids), "they name files"
    measurement = done.result.measurement
    assert (measurement.door, measurement.task_count) == ("watch", 3)
    assert measurement.about["command"] == [sys.executable, *PYTHON.COMMAND]


@pytest.mark.slow
def test_a_typescript_program_grouped_by_a_key(tmp_path: Path) -> None:
    """It reads TEMPORAL_ADDRESS: nothing needs the usual port."""
    npm = _module(PROGRAMS / "npm.py")
    folder = npm.installed(PROGRAMS / "temporal_typescript")
    key = "id:^(customer-[0-9]+)/"
    done = watch(tmp_path, "--no-usual-ports", "--task-key", key, command=TYPESCRIPT.COMMAND, cwd=folder)
    agreed(done)
    assert {task.task: kinds(task) for task in done.engine.tasks} == TYPESCRIPT.BY_CUSTOMER
    assert {root for task in done.engine.tasks for root in task.roots} == set(TYPESCRIPT.TYPES)
    assert {task.shape["task_key"] for task in done.engine.tasks} == {"customer-1", "customer-2"}
