"""The install lines come from docs/install.toml, and no page says that durameter is on the package index before it is.

That the lines work is tested by following docs/install.md and docs/quickstart-python.md (tests/quickstarts).
"""

import subprocess
import tomllib
from pathlib import Path

import pytest
from install_lines import INSTEAD, MARKED, PAGES, ROOT, SOURCE, as_it_should_be, load_lines

PUBLISHED = tomllib.loads(SOURCE.read_text())["published"]


def _pages() -> list[Path]:
    """All that a reader may follow: pages, workflows to copy, templates."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = [name for name in listed.split("\0") if name.endswith((".md", ".yml", ".yaml", ".j2")) and name[0] != "."]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_says_what_the_one_place_says(page: Path) -> None:
    text = page.read_text()
    assert MARKED.search(text)
    assert text.count("install:begin") == text.count("install:end") == len(MARKED.findall(text))
    assert as_it_should_be(text, load_lines()) == text, "make install-lines"


def test_every_block_is_there_for_both_days_and_is_on_a_page() -> None:
    today, later = load_lines(published=False), load_lines(published=True)
    used = {found["name"] for page in PAGES for found in MARKED.finditer(page.read_text())}
    assert set(today) == set(later) == used
    assert "durameter/durameter" not in later["workflow"]
    for lines in (today, later):
        assert "{" not in "".join(lines.values())


def test_no_page_says_it_in_words_of_its_own() -> None:
    """Also once it is published: then the words come from the one place all the same."""
    found = []
    for page in _pages():
        elsewhere = MARKED.sub("", page.read_text())
        found += [f"{page.relative_to(ROOT)}: {match[0]}" for match in INSTEAD.finditer(elsewhere)]
    assert found == []


@pytest.mark.skipif(PUBLISHED, reason="on the package index")
def test_nothing_today_asks_the_package_index_for_durameter() -> None:
    assert [match[0] for text in load_lines().values() for match in INSTEAD.finditer(text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "pip install durameter",
        "pip install --quiet durameter",
        "pip install 'durameter[otlp]'",
        'bin/pip" install --quiet durameter',
        "uvx durameter run",
    ],
)
def test_what_would_be_noticed(text: str) -> None:
    assert INSTEAD.search(text)


@pytest.mark.parametrize("text", ["pip install .", "pip install git+https://x/durameter", "uvx --from . durameter"])
def test_what_is_right(text: str) -> None:
    assert not INSTEAD.search(text)


@pytest.mark.skipif(PUBLISHED, reason="on the package index")
@pytest.mark.long
def test_the_wheel_of_the_workflow_is_what_is_built(wheel: Path) -> None:
    assert f"DURAMETER: head/vendor/{wheel.name}\n" in (ROOT / "docs" / "github-actions.yml").read_text()
