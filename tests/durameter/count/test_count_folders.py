"""Folders of histories: links and all; what cannot be read in them is said."""

import os
from pathlib import Path
from unittest.mock import patch

import pytest
from history_forms import stored
from typer.testing import CliRunner

from durameter.cli.main import app
from durameter.config import make_config
from durameter.engines.counting import CountRequest
from durameter.engines.temporal.history_paths import Files, files_of
from durameter.errors import UsageError
from durameter.registry import load_engine
from durameter.results.estimates import parse_rates

COUNTING = load_engine("temporal").counting()
RECORDED = load_engine("temporal").recorded()


LOCKED = "locked"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A history, another in a folder within, and one in a folder elsewhere."""
    made = tmp_path / "named"
    for place, name in ((made, "child"), (made / "in", "signal_with_start"), (tmp_path / "elsewhere", "conversation")):
        place.mkdir(exist_ok=True)
        (place / f"{name}.json").write_text(stored(name))
    return made


def names(files: Files) -> list[str]:
    return [path.name for path in files.paths]


def test_links_are_followed_and_each_file_is_read_once(folder: Path) -> None:
    (folder / "in" / "loop").symlink_to("..")
    (folder / "linked").symlink_to("../elsewhere")
    (folder / "twin.json").symlink_to("child.json")
    found = files_of([folder, folder / "in", folder / "child.json"])
    assert names(found) == ["child.json", "signal_with_start.json", "conversation.json"]


def test_links_to_nothing_are_said(folder: Path, tmp_path: Path) -> None:
    (folder / "itself").symlink_to("itself")
    (folder / "gone").symlink_to("nowhere")
    ended = CliRunner().invoke(app, ["count", str(folder), "--out", str(tmp_path / "out"), "--json"])
    assert ended.exit_code == 4
    assert "itself cannot be read: Too many levels of symbolic links." in ended.output
    assert "gone cannot be read: No such file or directory." in ended.output


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of this name cannot be read, as if one were not root."""
    scandir = os.scandir

    def without_leave(place: str) -> object:
        if Path(place).name == LOCKED:
            raise PermissionError(13, "Permission denied", place)
        return scandir(place)

    monkeypatch.setattr(os, "scandir", without_leave)


@pytest.mark.usefixtures("locked")
def test_a_folder_that_cannot_be_read_is_said_and_the_rest_is_counted(folder: Path, tmp_path: Path) -> None:
    (folder / LOCKED).mkdir()
    result = COUNTING.count_files(
        CountRequest(lambda: tmp_path / "out", make_config(), paths=(folder,)), lambda _: None
    )
    tasks = result.measurement.engines[0].tasks
    assert [task.counted for task in tasks] == [True, True, False]
    assert [gap.what for gap in tasks[-1].gaps] == [f"{folder / LOCKED} cannot be read: Permission denied."]


@pytest.mark.usefixtures("locked")
def test_a_folder_that_is_named_must_be_readable(folder: Path) -> None:
    (folder / LOCKED).mkdir()
    with pytest.raises(UsageError, match=r"locked cannot be read: Permission denied\."):
        files_of([folder / LOCKED])


def test_a_path_that_may_not_be_looked_at_is_said(folder: Path) -> None:
    with (
        patch.object(Path, "stat", side_effect=PermissionError(13, "Permission denied")),
        pytest.raises(UsageError, match=r"child\.json cannot be read: Permission denied\."),
    ):
        files_of([folder / "child.json"])


@pytest.mark.parametrize("number", ["1e999999", "1000000001", "NaN", "-1", "inf"])
def test_rates_past_belief_are_refused(number: str) -> None:
    with pytest.raises(UsageError, match="NUMBER at most 1,000,000,000"):
        parse_rates([f"query_workflow={number}"], RECORDED)


def test_a_rate_of_minus_nothing_is_nothing() -> None:
    assert str(parse_rates(["query_workflow=-0"], RECORDED)[0].units) == "0"
