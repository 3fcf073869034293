"""Install an npm program of this folder once, as its user would, and give every caller the built copy."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import platformdirs
import pytest
from filelock import FileLock

_SECONDS = 300
_UNREACHABLE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH")
"""What npm says when no registry is there. Anything else, such as a lock file that does not fit, is a failure."""
_MADE = ("node_modules", "lib", "__pycache__")
"""Folders that somebody who runs the program in place leaves in it."""


def installed(source: Path) -> Path:
    """A copy of the program in durameter's cache folder, with its packages and built; the test is skipped without npm
    or without a registry.

    The lock file names versions and hashes and no address, so the machine's own registry is asked. A changed file makes
    another copy.
    """
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no Node.js: there is no program `npm` on the PATH")
    files = sorted(
        each
        for each in source.rglob("*")
        if each.suffix in {".json", ".ts", ".mjs"} and not set(each.relative_to(source).parts) & set(_MADE)
    )
    content = hashlib.sha256(b"".join(each.read_bytes() for each in files)).hexdigest()[:16]
    kept = os.environ.get("DURAMETER_CACHE_DIR") or platformdirs.user_cache_dir("durameter")
    folder = Path(kept) / "tests" / f"{source.name}-{content}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock"), timeout=2 * _SECONDS):
        if not folder.is_dir():
            work = folder.with_suffix(".work")
            shutil.rmtree(work, ignore_errors=True)
            shutil.copytree(source, work, ignore=shutil.ignore_patterns(*_MADE, "*.py"))
            got = _run(npm, "ci", "--ignore-scripts", cwd=work)
            if got.returncode and any(code in got.stderr for code in _UNREACHABLE):
                pytest.skip(f"npm cannot install {source.name}: {got.stderr.strip()[-500:]}")
            assert got.returncode == 0, got.stdout + got.stderr
            built = _run(npm, "run", "build", "--if-present", cwd=work)
            assert built.returncode == 0, built.stdout + built.stderr
            work.rename(folder)
    return folder


def _run(*words: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(words, check=False, cwd=cwd, capture_output=True, text=True, timeout=_SECONDS)
