"""What is installed, what is exported, and that nothing names a registry or a machine."""

import re
import subprocess
import zipfile
from pathlib import Path

import pytest

import durameter

ROOT = Path(__file__).parents[1]


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_the_public_names_of_before_are_all_there() -> None:
    """Which ones there are now is pinned by tests/durameter/test_public_api.py."""
    before = [
        "Driver",
        "Implementation",
        "InngestSession",
        "Measured",
        "Outage",
        "Result",
        "RetryPolicy",
        "RunContext",
        "Scenario",
        "Task",
        "TaskFailedError",
        "TemporalSession",
        "Workload",
        "read_result",
        "serve_app",
        "wait_for_runs",
    ]
    assert [name for name in before if not hasattr(durameter, name)] == []
    assert set(before) <= set(dir(durameter))


@pytest.mark.long
def test_the_wheel_holds_three_packages_and_their_data(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "durameter",
        "durameter_collectors",
        "durameter_workloads",
    }
    for data in (
        "durameter/py.typed",
        "durameter/init/templates/workload.py.j2",
        "durameter/results/measurement.schema.json",
        "durameter/report/page/page.html.j2",
        "durameter/engines/temporal/prices/temporal-2026-09-17.toml",
        "durameter/engines/inngest/binary/recipe/1.44.0/go.mod",
        "durameter/engines/inngest/binary/recipe/1.44.0/go.sum",
        "durameter/engines/inngest/binary/recipe/1.44.0/package-lock.json",
        "durameter/engines/inngest/binary/recipe/1.12.1/go.sum",
        "durameter_collectors/temporal/rules.toml",
        "durameter_collectors/inngest/rules.toml",
        "durameter_workloads/conformance/inngest/typescript/app.mjs",
        "durameter_workloads/conformance/inngest/typescript/package-lock.json",
        "durameter_workloads/support_agent/shapes.csv",
    ):
        assert data in names


@pytest.mark.parametrize("name", ["run.txt", "dev.txt", "build.txt"])
def test_requirements_are_pinned_with_hashes_and_without_addresses(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text()
    entries = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert entries
    assert all("==" in entry for entry in entries)
    assert text.count("--hash=sha256:") >= len(entries)
    assert "://" not in text
    assert "index-url" not in text


def test_no_tracked_file_names_a_package_registry_or_a_home_folder() -> None:
    hosts = ["pypi" + ".org", "files.pythonhosted" + ".org", "registry.npmjs" + ".org", "proxy.golang" + ".org"]
    pattern = re.compile("|".join(re.escape(host) for host in hosts) + "|/" + r"root/|/home/\w+/|/Users/\w+/")
    found = []
    for file in _tracked():
        try:
            text = file.read_text()
        except UnicodeDecodeError:
            continue
        if file != Path(__file__):
            found += [f"{file.relative_to(ROOT)}: {match[0]}" for match in pattern.finditer(text)]
    assert found == []


def test_no_page_holds_a_figure_that_was_never_filled_in() -> None:
    pages = [file for file in _tracked() if file.suffix == ".md"]
    assert pages
    assert [str(file) for file in pages if re.search(r"@[A-Z0-9]+@", file.read_text())] == []
