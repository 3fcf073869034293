"""The house's walls: no circle among siblings at any level, and no engine named in the core.

import-linter's contracts (pyproject.toml) say which room may import which; what they cannot compute is here.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

ROOT = Path(__file__).parents[1]
ROOTS = {
    name: ROOT / folder / name
    for folder, name in (
        ("collectors", "durameter_collectors"),
        ("harness", "durameter"),
        ("workloads", "durameter_workloads"),
    )
}

NAMES = re.compile(r"(?i)temporal|inngest")
ENGINES_OWN = ("engines/temporal/", "engines/inngest/", "temporal.py", "inngest.py")
"""Below harness/durameter: the slices, and the two modules that make their helpers public."""
COLLECTORS_OWN = ("temporal/", "inngest/")
EXAMPLES = re.compile(r"\[bold\]Examples\[/bold\].*?\"\"\"", re.DOTALL)
"""The end of a command's help: examples name engines, so that they can be copied."""


def modules() -> dict[str, Path]:
    """Every module of ours and its file; a package is the module of its `__init__.py`."""
    found = {}
    for name, folder in ROOTS.items():
        for file in sorted(folder.rglob("*.py")):
            parts = (name, *file.relative_to(folder).with_suffix("").parts)
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def imports(file: Path, known: dict[str, Path]) -> Iterator[str]:
    """What a file imports of ours, also within functions; what only a type checker sees is no import."""
    tree = ast.parse(file.read_text())
    unseen = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for body in node.body
        for inner in ast.walk(body)
    }
    for node in ast.walk(tree):
        if id(node) in unseen:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in known else node.module


def circles(edges: set[tuple[str, str]]) -> list[list[str]]:
    """Nodes that reach each other, group by group."""
    names = sorted({name for edge in edges for name in edge})
    place = {name: number for number, name in enumerate(names)}
    rows, columns = zip(*((place[a], place[b]) for a, b in edges), strict=True)
    graph = csr_array(([1] * len(rows), (rows, columns)), shape=(len(names), len(names)))
    _, labels = connected_components(graph, connection="strong")
    groups = defaultdict(list)
    for name, label in zip(names, labels, strict=True):
        groups[label].append(name)
    return [group for group in groups.values() if len(group) > 1]


def test_no_circle_among_siblings_at_any_level() -> None:
    """An import from a.b.c to a.d.e is an edge from a.b to a.d: rooms, and files within a room, have an order."""
    known = modules()
    levels: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for name, file in known.items():
        for other in imports(file, known):
            ours, theirs = name.split("."), other.split(".")
            depth = next((n for n, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), None)
            if depth is None:
                continue  # a package and what is within it
            levels[".".join(ours[:depth])].add((".".join(ours[: depth + 1]), ".".join(theirs[: depth + 1])))
    assert set(levels) >= {"", "durameter", "durameter.cost", "durameter.results"}
    assert {level: found for level, edges in levels.items() if (found := circles(edges))} == {}


def test_a_circle_would_be_found() -> None:
    assert circles({("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")}) == [["a", "b", "c"]]


def core() -> list[Path]:
    """Files of the core: all of the harness and the collectors but the engines' own."""
    files = []
    for name, own in (("durameter", ENGINES_OWN), ("durameter_collectors", COLLECTORS_OWN)):
        folder = ROOTS[name]
        for file in sorted(folder.rglob("*")):
            inside = file.relative_to(folder).as_posix()
            if file.suffix in {".py", ".j2", ".toml", ".css"} and not inside.startswith(own):
                files.append(file)
    assert len(files) > 100
    return files


@pytest.mark.parametrize("file", core(), ids=lambda file: file.relative_to(ROOT).as_posix())
def test_the_core_names_no_engine(file: Path) -> None:
    text = EXAMPLES.sub('"""', file.read_text()).replace("emporality", "")
    assert [line.strip() for line in text.splitlines() if NAMES.search(line)] == []
