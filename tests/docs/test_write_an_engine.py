"""docs/write-an-engine.md: what it shows is accepted."""

import re
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

from durameter_collectors.rulebook import Rulebook

PAGE = Path(__file__).parents[2] / "docs" / "write-an-engine.md"


def _blocks() -> list[str]:
    return re.findall(r"^```toml\n(.*?)^```$", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)


def test_its_entry_point_is_in_the_group_that_is_searched() -> None:
    [group] = tomllib.loads(_blocks()[0])["project"]["entry-points"]
    assert entry_points(group=group).names >= {"temporal", "inngest"}


def test_its_rulebook_is_one() -> None:
    book = Rulebook.model_validate(tomllib.loads(_blocks()[1]))
    assert [rule.id for rule in book.rules] == ["operation", "replay"]
    assert book.answered({"replays": "billed"}).rule("replay").reading == "documented"
    assert book.answered({}).rule("replay").reading == "upper"
