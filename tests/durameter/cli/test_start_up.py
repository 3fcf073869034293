"""A command imports what it needs and no more, and the list of commands is shown without importing any of them."""

import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from durameter.cli.main import COMMANDS

pytestmark = pytest.mark.long

RESULT = Path(__file__).with_name("results") / "agreeing"

SDKS = {"temporalio", "inngest", "fastapi", "uvicorn", "openai", "opentelemetry", "google.protobuf", "grpc"}
HEAVY = {"scipy.stats", "matplotlib", "statsmodels", "sklearn", "crepes", "jinja2"}
RECORD = {"asyncio", "pydantic", "pydantic_settings", "polars", "numpy", "durameter.config", "durameter.registry"}


def imported(*arguments: str | Path) -> set[str]:
    """Modules that a command line of its own process had imported at its end."""
    code = (
        "import sys, durameter.cli.main as cli\n"
        "cli.leave = lambda status: None\n"
        "sys.argv[0] = 'durameter'\n"
        "cli.main()\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_version_and_help_import_no_command(option: str) -> None:
    found = imported(option)
    assert not found & (SDKS | HEAVY | RECORD)
    assert not {f"durameter.cli.{name}" for name in COMMANDS} & found


def test_a_report_imports_what_it_shows() -> None:
    found = imported("report", RESULT)
    assert "polars" in found  # the list below is of modules that could be there
    assert not found & (SDKS | HEAVY)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_of_a_command_imports_no_sdk(name: str) -> None:
    assert not imported(name, "--help") & SDKS


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_itself(name: str) -> None:
    command = getattr(import_module(f"durameter.cli.{name}"), name)
    said = command.info.help if name == "servers" else inspect.getdoc(command)
    assert " ".join(said.partition("\n\n")[0].split()) == COMMANDS[name]
