"""The site: every page is in a chapter, every link leads somewhere, on GitHub and in the site, and nothing is fetched.

mkdocs itself is not needed for these tests. `make docs` builds the site strictly, and so does CI.
"""

import importlib
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("**/*.md"))
AROUND = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "changelog.d/README.md")]
CHAPTERS = [
    "Start",
    "Measure",
    "Watch and count",
    "Cost and CI",
    "Why believe it",
    "Reference",
    "Extend",
]

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$")


def _config() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    return found


def _targets() -> Iterator[str]:
    """What the navigation leads to."""
    for chapter in _config()["nav"]:
        for entry in next(iter(chapter.values())):
            yield next(iter(entry.values()))


def _prose(page: Path) -> list[str]:
    """Its lines outside code blocks."""
    lines, fenced = [], False
    for line in page.read_text().splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            lines.append(line)
    return lines


def _anchors(page: Path) -> tuple[set[str], set[str]]:
    """What its headings are called on GitHub, and in the site."""
    words = [
        re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", found[1]) for line in _prose(page) if (found := _HEADING.match(line))
    ]
    plain = [re.sub(r"[`*]", "", each).strip().lower() for each in words]
    github = {re.sub(r"[^\w\- ]", "", each).replace(" ", "-") for each in plain}
    site = {re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", each.encode("ascii", "ignore").decode())) for each in plain}
    return github, site


def test_the_chapters() -> None:
    assert [next(iter(chapter)) for chapter in _config()["nav"]] == CHAPTERS


def test_every_page_is_in_one_chapter() -> None:
    pages = [target for target in _targets() if "://" not in target]
    assert sorted(pages) == sorted(str(page.relative_to(DOCS)) for page in PAGES)


def test_the_navigation_leads_to_files_of_the_repository() -> None:
    for target in _targets():
        if "://" in target:
            assert (ROOT / target.removeprefix("https://github.com/durameter/durameter/blob/main/")).is_file(), target


def test_the_first_page_leads_to_every_other() -> None:
    linked = {link.partition("#")[0] for line in _prose(DOCS / "index.md") for link in _LINK.findall(line)}
    assert {str(page.relative_to(DOCS)) for page in PAGES} - {"index.md"} <= linked


@pytest.mark.parametrize("page", [*AROUND, *PAGES], ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for line in _prose(page):
        for link in _LINK.findall(re.sub(r"`[^`]*`", "", line)):
            if "://" in link or link.startswith("mailto:"):
                continue
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            assert target.exists(), f"{page.name}: {link}"
            assert target.is_relative_to(ROOT), f"{page.name}: {link}"
            if anchor:
                github, site = _anchors(target)
                assert anchor in github, f"{page.name}: {link}, not on GitHub"
                assert anchor in site, f"{page.name}: {link}, not in the site"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_read_alike_by_github_and_by_mkdocs(page: Path) -> None:
    """Python-Markdown wants a blank line before a list, and sees one that is not four deep as not nested."""
    lines = _prose(page)
    item = re.compile(r"^( *)(?:[-*]|\d+\.) ")
    for before, line in pairwise(lines):
        if found := item.match(line):
            begins = not before.strip() or bool(item.match(before)) or before.startswith("  ")
            assert begins, f"{page.name}: a blank line is missing before {line!r}"
            assert len(found[1]) % 4 == 0, f"{page.name}: {line!r} is nested by {len(found[1])}"
    assert lines[0].startswith("# "), "the site takes its title from there"


def test_nothing_is_fetched_from_elsewhere() -> None:
    config = _config()
    assert config["strict"] is True
    assert config["theme"]["font"] is False
    assert not set(config) & {"repo_url", "extra_css", "extra_javascript"}
    assert config["plugins"] == ["search"]
    assert not [page.name for page in PAGES if "```mermaid" in page.read_text()]  # its script would be fetched
    assert not [page.name for page in PAGES if re.search(r"!\[|<img|<script|<link", "\n".join(_prose(page)))]


@pytest.mark.parametrize("name", ["docs.txt", "release.txt"])
def test_what_builds_it_is_pinned(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text()
    entries = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert entries
    assert all("==" in entry for entry in entries)
    assert text.count("--hash=sha256:") >= len(entries)
    assert "://" not in text
    assert "index-url" not in text


_NAMED_FILE = re.compile(r"`((?:harness|collectors|workloads|tests|benchmarks|requirements|\.ci)/[^`\s]*)`")
_IMPORT = re.compile(r"^from (durameter[\w.]*) import ([\w, ]+)$", flags=re.MULTILINE)


@pytest.mark.parametrize("page", [*AROUND, *PAGES], ids=lambda page: str(page.relative_to(ROOT)))
def test_files_and_modules_that_a_page_names_are_there(page: Path) -> None:
    text = page.read_text()
    assert [path for path in _NAMED_FILE.findall(text) if not any(ROOT.glob(path.rstrip("/")))] == []
    for module, names in _IMPORT.findall(text):
        there = importlib.import_module(module)
        assert [name for name in names.split(", ") if not hasattr(there, name)] == []
