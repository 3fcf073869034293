"""The prebuilt program: npm's `inngest-cli`, whose install step fetches it from the vendor.

The recipe's lock file has the hash of every package and no address, so that the user's own registry is asked. The
program itself is not in the package: where only registries can be reached, this way fails.
"""

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from durameter.engines.inngest.binary._program import Recipe, ask_version
from durameter.processes.run_program import Attempt, UnavailableError, ask, lines_of

__all__ = ["fetch", "state"]

LIMIT_SECONDS = 120.0
"""The program is some 35 MB; a firewall that swallows packets should not cost more than this."""

_OLDEST_NPM = 7  # reads the lock file's version, 3
_NOISE = re.compile(r"npm (warn|notice)\b|npm error\s+at |npm error (code|path|command|errno|A complete log)\b")


def state(recipe: Recipe, folder: Path) -> tuple[bool, str]:
    """Whether npm is here and new enough, and a sentence that says so.

    Args:
        recipe: of the version that is wanted.
        folder: an empty folder to ask in.
    """
    needed = f"npm {_OLDEST_NPM} or newer (it comes with Node.js) can fetch {recipe.version} from the vendor"
    if shutil.which("npm") is None:
        return False, f"no `npm` on the PATH; {needed}"
    try:
        said = ask(["npm", "--version"], environment=os.environ, folder=folder)
    except UnavailableError as error:
        return False, f"{error}; {needed}"
    major = re.match(r"\d+", said)
    return bool(major and int(major[0]) >= _OLDEST_NPM), f"npm {said[:40]}; {needed}"


def fetch(recipe: Recipe, work: Path, attempt: Attempt) -> tuple[Path, str]:
    """Let npm install the package in a temporary folder.

    Args:
        recipe: of the version that is wanted.
        work: an empty folder; everything that npm writes goes there.
        attempt: who is told, and who may stop it.

    Returns:
        The program in that folder, and how it was made.

    Raises:
        UnavailableError: there is no npm, or the install step brought no program that runs.
    """
    good, words = state(recipe, work)
    if not good:
        raise UnavailableError(words)
    recipe.lay_out(work, "package.json", "package-lock.json")
    log = work / "npm.log"
    try:
        attempt.run(
            ["npm", "ci", "--no-audit", "--no-fund"],
            folder=work,
            environment=_environment(work),
            log=log,
            limit=LIMIT_SECONDS,
            stage=lambda _lines: f"fetching {recipe.words}, prebuilt, with npm",
        )
    except UnavailableError as error:
        said = [line.removeprefix("npm error ") for line in lines_of(log) if not _NOISE.match(line)]
        detail = ": " + " ".join(said[:2])[:300] if said else ""
        raise UnavailableError(f"{error}{detail}") from error
    program = work / "node_modules" / "inngest-cli" / "bin" / "inngest"
    answer = ask_version(program)
    if not answer.removeprefix("v").startswith(recipe.version):
        raise UnavailableError(f"inngest-cli {recipe.version} brought a program that says it is {answer}")
    return program, f"npm's prebuilt inngest-cli {recipe.version}"


def _environment(work: Path) -> Mapping[str, str]:
    return os.environ | {
        "npm_config_cache": str(work / "npm-cache"),
        "npm_config_update_notifier": "false",
        "TMPDIR": str(work),
    }
