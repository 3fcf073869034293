"""The plug-in is imported in every project in which durameter is installed: it costs and shows nothing there."""

import subprocess
import sys
from importlib.metadata import entry_points

import durameter


def test_it_is_found_by_pytest() -> None:
    [point] = [each for each in entry_points(group="pytest11") if each.name == "durameter"]
    assert point.value == "durameter.pytest_plugin"


def test_it_imports_nothing_until_a_fixture_is_used() -> None:
    """Neither SDKs nor what calculates; and where warnings are errors it is no error."""
    code = "import sys, durameter.pytest_plugin; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    heavy = {"temporalio", "inngest", "pydantic", "httpx", "numpy", "polars", "fastapi", "jinja2", "rich", "typer"}
    assert heavy & set(done.stdout.split()) == set()


def test_every_public_name_can_be_had_all_the_same() -> None:
    assert [name for name in durameter.__all__ if not hasattr(durameter, name)] == []
    assert set(durameter.__all__) <= set(dir(durameter))
    assert not hasattr(durameter, "nonsense")
