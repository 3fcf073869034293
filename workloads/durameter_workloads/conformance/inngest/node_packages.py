"""Node.js, npm, and the packages that the TypeScript scenarios need, installed once into durameter's cache.

The lock file names versions and hashes and no address, so that the user's own registry is asked. Packages' install
scripts are not run: none is needed. One dependency of the SDK is overridden, since only its "extended traces" load it
and it would make 200 of 260 MB: the OpenTelemetry instrumentations of everything.
"""

import asyncio
import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import platformdirs
from filelock import AsyncFileLock

from durameter.errors import DurameterError
from durameter.processes.child import ProcessError
from durameter.processes.run_program import UnavailableError, ask
from durameter.processes.server import GuardedProcess, log_tail

__all__ = ["NodeMissingError", "Packages", "node_packages", "sources"]

NPM_SECONDS = 150.0
"""What npm may take, less than a scenario; 57 MB on the disk, 8 s with a registry nearby (measured)."""

_OLDEST_NODE = 20  # what the SDK asks for
_OLDEST_NPM = 7  # reads the lock file's version, 3
_ASK_SECONDS = 20.0
_LOCK_LOOK_SECONDS = 0.5
_KEPT = ("package.json", "package-lock.json")
_ADVICE = f"Install Node.js {_OLDEST_NODE} or newer, which brings npm"

_refused: dict[Path, str] = {}
"""Why npm could not install into a folder, so that one process does not try again for every scenario."""


class NodeMissingError(DurameterError):
    """The TypeScript scenarios cannot be run on this machine; the message says what to install."""


@dataclass(frozen=True)
class Packages:
    """What an app is run with."""

    node: Path
    """The program."""
    modules: Path
    """A folder `node_modules`."""


def sources() -> Traversable:
    """The folder of the apps' own files."""
    return resources.files(__package__).joinpath("typescript")


async def node_packages(cache: Path | None = None) -> Packages:
    """Find Node.js, and install the locked packages if that has not been done yet.

    Args:
        cache: durameter's cache folder; by default the user's.

    Raises:
        NodeMissingError: there is no Node.js or npm, it is too old, or npm cannot install the packages.
    """
    node = await _found("node", _OLDEST_NODE)
    lock = hashlib.sha256(b"".join(sources().joinpath(name).read_bytes() for name in _KEPT)).hexdigest()
    base = cache.expanduser().absolute() if cache else platformdirs.user_cache_path("durameter")
    folder = base / "inngest" / "typescript" / lock[:16]
    packages = Packages(node, folder / "node_modules")
    if packages.modules.is_dir():
        return packages
    npm = await _found("npm", _OLDEST_NPM)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        async with AsyncFileLock(folder.parent / ".lock", poll_interval=_LOCK_LOOK_SECONDS):
            if not packages.modules.is_dir():
                await _install(npm, folder)
    except OSError as error:
        raise NodeMissingError(f"The packages of the TypeScript scenarios cannot be kept: {error}.") from error
    return packages


async def _found(program: str, oldest: int) -> Path:
    """A program on the PATH that is new enough."""
    path = shutil.which(program)
    if path is None:
        raise NodeMissingError(f"There is no `{program}` on the PATH. {_ADVICE}.")
    try:
        answer = await asyncio.to_thread(
            ask, [path, "--version"], environment=os.environ, folder=Path.cwd(), limit=_ASK_SECONDS
        )
    except UnavailableError as error:
        raise NodeMissingError(f"`{program} --version` does not work: {error}. {_ADVICE}.") from error
    version = re.match(r"v?(\d+)\.", answer)
    if version is None or int(version[1]) < oldest:
        raise NodeMissingError(f"`{program}` is {answer[:40] or 'of no version'}. {_ADVICE}.")
    return Path(path)


async def _install(npm: Path, folder: Path) -> None:
    """Install into a folder beside it, which then gets its name: what is there is whole. Only under the lock."""
    if folder in _refused:
        raise NodeMissingError(_refused[folder])
    for left in folder.parent.glob("work-*"):  # of a run that was killed: whoever has the lock is alone
        shutil.rmtree(left, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix="work-", dir=folder.parent))
    try:
        for name in _KEPT:
            (work / name).write_bytes(sources().joinpath(name).read_bytes())
        await _npm_ci(npm, work)
        shutil.rmtree(folder, ignore_errors=True)
        work.replace(folder)
    except NodeMissingError as error:
        _refused[folder] = str(error)
        raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


async def _npm_ci(npm: Path, work: Path) -> None:
    command = [str(npm), "ci", "--ignore-scripts", "--omit=dev", "--omit=optional", "--no-audit", "--no-fund"]
    environment = os.environ | {"npm_config_update_notifier": "false", "npm_config_fetch_retries": "1"}
    try:
        process = await GuardedProcess.start("npm", command, folder=work, environment=environment)
    except ProcessError as error:
        raise NodeMissingError(f"{error}. {_ADVICE}.") from error
    why = ""
    try:
        async with asyncio.timeout(NPM_SECONDS):
            await process.died()
    except TimeoutError:
        why = f"it was not done after {NPM_SECONDS:g} s"
    finally:
        await process.stop()
    if not why and process.guard.returncode != 0:
        why = f"it ended with status {process.guard.returncode}"
    if not why and not (work / "node_modules" / "inngest").is_dir():
        why = "it installed nothing"
    if why:
        said = log_tail(process.log, lines=8)
        raise NodeMissingError(
            f"npm could not install the packages of the TypeScript scenarios: {why}. Is a registry reachable, with the "
            f"settings that npm has? It said:\n{said}"
        )
    with contextlib.suppress(OSError):
        process.log.unlink()
