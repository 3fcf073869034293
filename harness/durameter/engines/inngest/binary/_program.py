"""What is known of one Inngest program, and the question that every one of them must answer."""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from durameter.engines.inngest.binary._command import UnavailableError, ask
from durameter.engines.process import clean_environment

__all__ = ["TESTED_VERSIONS", "VERSION", "InngestBinary", "Origin", "ask_version", "describe"]

VERSION = "1.44.0"
"""The version that is fetched or built. `recipe/go.mod` and `prebuilt/package.json` pin the same one."""

TESTED_VERSIONS = frozenset({"1.44.0"})
"""Versions on which the project's suites have been run."""

Origin = Literal["configured", "path", "cache", "npm", "go"]

# A release says `1.44.0-<commit>`, a build from source `dev-`; a pre-release such as `1.45.0-beta.1-<commit>` is
# another version than 1.45.0.
_ANSWER = re.compile(r"v?\d+\.\d+\.\d+\S*|dev-\S*")
_RELEASE = re.compile(r"v?(\d+\.\d+\.\d+)(?:-[0-9a-f]{7,40})?")


@dataclass(frozen=True)
class InngestBinary:
    """An Inngest program that answered."""

    path: Path
    """Absolute."""
    version: str
    """For `cache`, `npm` and `go` the pinned version; for `configured` and `path` what the program itself prints."""
    origin: Origin
    tested: bool
    """Whether the project's suites have been run on this version. False also when the version is not known."""
    note: str
    """How it was made, or why it counts as untested. For people."""


def ask_version(program: Path) -> str:
    """Run `program version` as the server will be run, without the user's home folder or variables.

    Raises:
        UnavailableError: it cannot be run, fails, takes more than 10 s, or says something that is no version.
    """
    with tempfile.TemporaryDirectory(prefix="durameter-") as folder:
        environment = clean_environment(Path(folder), {"DO_NOT_TRACK": "1"})
        said = ask([str(program), "version"], environment=environment, folder=Path(folder))
    if not _ANSWER.fullmatch(said):
        raise UnavailableError(f"{program} answers {said[:80]!r} to `version`, which is no version of Inngest")
    return said


def describe(path: Path, said: str, origin: Origin) -> InngestBinary:
    """Judge a program that durameter did not make by the version that it prints."""
    release = _RELEASE.fullmatch(said)
    tested_on = ", ".join(sorted(TESTED_VERSIONS))
    if release and release[1] in TESTED_VERSIONS:
        return InngestBinary(path, said, origin, tested=True, note="")
    if said.startswith("dev-"):
        note = f"built from source, its version is not known; durameter's suites have been run on {tested_on}"
    else:
        note = f"durameter's suites have been run on {tested_on}, not on this version"
    return InngestBinary(path, said, origin, tested=False, note=note)
