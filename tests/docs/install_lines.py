"""Writes the install lines of docs/install.toml into the pages: `python tests/docs/install_lines.py`.

A page has marks, in Markdown `<!-- install:begin NAME -->` and `<!-- install:end -->`, in YAML the same after `#`.
What lies between is written anew; all else stays.
"""

import re
import sys
import tomllib
from pathlib import Path

__all__ = ["INSTEAD", "MARKED", "PAGES", "Lines", "as_it_should_be", "load_lines"]

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "docs" / "install.toml"
PAGES = [
    ROOT / "README.md",
    *(ROOT / "docs" / name for name in ("install.md", "quickstart-python.md", "ci.md", "github-actions.yml")),
]

MARKED = re.compile(
    r"^(?P<indent> *)(?P<open>(?:<!--|#) install:begin (?P<name>[a-z]+)(?: -->)?)\n"
    r"(?P<text>.*?)"
    r"^ *(?P<close>(?:<!--|#) install:end(?: -->)?)$",
    flags=re.MULTILINE | re.DOTALL,
)

INSTEAD = re.compile(r"\bpip3?['\"]? install (?:-\S+ )*['\"]?durameter\b|\buvx durameter\b")
"""Durameter as if it came from the package index."""

Lines = dict[str, str]
"""Name of a block → its text."""


def load_lines(published: bool | None = None) -> Lines:
    """The blocks that hold today, or those of the other day."""
    source = tomllib.loads(SOURCE.read_text())
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    table = "index" if (source["published"] if published is None else published) else "clone"
    return {name: text.replace("{version}", version) for name, text in source[table].items()}


def as_it_should_be(page: str, lines: Lines) -> str:
    """A page with the blocks written into it."""

    def block(found: re.Match[str]) -> str:
        indent = found["indent"]
        blank = "\n" if found["open"].startswith("<!--") else ""  # Markdown begins a block after a blank line
        text = "".join(f"{indent}{line}\n" if line else "\n" for line in lines[found["name"]].strip("\n").split("\n"))
        return f"{indent}{found['open']}\n{blank}{text}{blank}{indent}{found['close']}"

    return MARKED.sub(block, page)


if __name__ == "__main__":
    for each in PAGES:
        before = each.read_text()
        after = as_it_should_be(before, load_lines())
        if after != before:
            each.write_text(after)
            sys.stdout.write(f"written: {each.relative_to(ROOT)}\n")
