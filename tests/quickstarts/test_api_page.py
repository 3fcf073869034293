"""docs/api.md lists the public API: all of it, once, and nothing else."""

import re
from pathlib import Path

import durameter

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


def test_the_page_lists_what_is_exported() -> None:
    names = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), flags=re.MULTILINE)
    assert sorted(names) == sorted(durameter.__all__)


def test_every_name_is_there_and_described() -> None:
    for name in durameter.__all__:
        assert name in dir(durameter)
        if name != "Driver":  # a type alias, described in the file
            assert getattr(durameter, name).__doc__, name
