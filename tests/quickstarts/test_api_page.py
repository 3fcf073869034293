"""docs/api.md lists the public API: all of it, once, and nothing else; and its examples run."""

import re
from pathlib import Path

import pytest

import durameter
from durameter.registry import engines

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
RESULT = Path(__file__).parents[1] / "durameter" / "cli" / "results" / "agreeing"


def names() -> list[str]:
    """All that is exported: durameter's own and those of its two engines."""
    own = [name for each in engines() if each.name in ("temporal", "inngest") for name in each.exports]
    return sorted([*durameter.__all__, *own])


def test_the_page_lists_what_is_exported() -> None:
    assert sorted(re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), flags=re.MULTILINE)) == names()


def test_the_page_lists_the_verbs_of_a_result() -> None:
    said = re.findall(r"^\| `\.(\w+)\(", PAGE.read_text(), flags=re.MULTILINE)
    verbs = [name for name, value in vars(durameter.Result).items() if callable(value) and not name.startswith("_")]
    assert sorted(said) == sorted(verbs)


def test_every_name_is_there_and_described() -> None:
    for name in names():
        assert name in dir(durameter)
        if name != "Driver":  # a type alias, described in the file
            assert getattr(durameter, name).__doc__, name


def test_the_examples_run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("RESULT").symlink_to(RESULT)
    code = "\n".join(re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL))
    exec(compile(code, str(PAGE), "exec"), {})  # noqa: S102 - our own page
    said = capsys.readouterr().out
    assert "temporal measured ['" in said
    assert "# durameter/support_agent: 3 tasks" in said
