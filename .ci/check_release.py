"""Whether a commit is ready for its release: `python .ci/check_release.py v1.2.3`. No package is needed."""

import re
import sys
import tomllib
from pathlib import Path

__all__ = ["faults"]


def faults(root: Path, tag: str) -> list[str]:
    """What is still to be done, in words."""
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    found = []
    if tag != f"v{version}":
        found.append(f"The tag is {tag}, and pyproject.toml says version {version}: the tag must be v{version}.")
    if not tomllib.loads((root / "docs" / "install.toml").read_text())["published"]:
        found.append("docs/install.toml says published = false: set it to true, and run `make install-lines`.")
    if not re.search(rf"^## {re.escape(version)} \(", (root / "CHANGELOG.md").read_text(), flags=re.MULTILINE):
        found.append(f"CHANGELOG.md has no section {version}: run `make changelog VERSION={version}`.")
    if left := sorted(each.name for each in (root / "changelog.d").glob("*.md") if each.name != "README.md"):
        found.append(f"changelog.d still has {', '.join(left)}: run `make changelog VERSION={version}`.")
    return found


if __name__ == "__main__":
    problems = faults(Path(__file__).parents[1], sys.argv[1])
    sys.stdout.write("".join(f"{each}\n" for each in problems) or f"Ready for {sys.argv[1]}.\n")
    sys.exit(1 if problems else 0)
