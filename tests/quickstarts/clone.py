"""A clone of this repository as a reader has it: the files of this checkout, also what is not committed yet."""

import shutil
import subprocess
from pathlib import Path

__all__ = ["clone"]

ROOT = Path(__file__).parents[2]


def clone(folder: Path) -> Path:
    """Make it, and return its folder."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in listed.split("\0"):
        if name and (ROOT / name).is_file():  # a file may be deleted and not yet committed so
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder
