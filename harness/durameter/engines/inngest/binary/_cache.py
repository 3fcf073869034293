"""Durameter's own cache of the Inngest program: one folder per version and platform.

In it `inngest`, the record `inngest.json` beside it, a lock, and `work-*` folders while a run makes the program. A
program is used only when its SHA-256 is the recorded one, so whatever an interrupted run left is never taken.
"""

import contextlib
import hashlib
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import platformdirs
from filelock import FileLock, Timeout
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from durameter.engines.inngest.binary._program import TESTED_VERSIONS, InngestBinary, ask_version
from durameter.processes.run_program import Attempt, UnavailableError

__all__ = ["Cache", "platform_name"]

LOCK_POLL_SECONDS = 2.0

_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def platform_name() -> tuple[str, str]:
    """This machine as Go names it, such as `("linux", "amd64")`."""
    machine = platform.machine().lower()
    return platform.system().lower(), _MACHINES.get(machine, machine)


class _Record(BaseModel):
    """What is kept beside the program: a build from source cannot say its own version."""

    model_config = ConfigDict(frozen=True)

    version: str
    origin: Literal["npm", "go"]
    how: str
    made: AwareDatetime
    sha256: str
    size: int
    """In bytes."""


class Cache:
    """The cache of one version on this platform."""

    def __init__(self, root: Path | None, version: str) -> None:
        """Name the place; nothing is made.

        Args:
            root: durameter's cache folder; by default the user's (`platformdirs`).
            version: of the server.
        """
        self.version = version
        base = root.expanduser().absolute() if root else platformdirs.user_cache_path("durameter")
        self.folder = base / "inngest" / version / "-".join(platform_name())
        self.program = self.folder / "inngest"
        self._record = self.folder / "inngest.json"

    def find(self) -> InngestBinary:
        """The program in the cache.

        Raises:
            UnavailableError: there is none, it is not the file that was put there, or it does not run.
        """
        try:
            if not self.program.is_file():
                raise UnavailableError(f"nothing at {self.program}")
            record = _Record.model_validate_json(self._record.read_bytes())
            digest = _sha256(self.program)
        except ValidationError as error:
            raise UnavailableError(f"{self.program} is not used: {self._record.name} beside it is damaged") from error
        except OSError as error:
            raise UnavailableError(f"{self.program} is not used: {error}") from error
        if record.version != self.version or digest != record.sha256:
            raise UnavailableError(f"{self.program} is not used: it is not the file that {self._record.name} describes")
        ask_version(self.program)
        return self._binary("cache", record)

    def install(self, made: Path, origin: Literal["npm", "go"], how: str) -> InngestBinary:
        """Move a program that answered into the cache, in one step.

        Args:
            made: the program, in a work folder of this cache (hence on the same file system).
            origin: which way made it.
            how: the same in words, for people.
        """
        made.chmod(0o755)
        record = _Record(
            version=self.version,
            origin=origin,
            how=how,
            made=datetime.now(UTC).replace(microsecond=0),
            sha256=_sha256(made),
            size=made.stat().st_size,
        )
        written = made.with_name("inngest.json")
        written.write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
        # Killed between the two, the record describes a program that is not there: it is made again.
        written.replace(self._record)
        made.replace(self.program)
        return self._binary(origin, record)

    def _binary(self, origin: Literal["cache", "npm", "go"], record: _Record) -> InngestBinary:
        note = f"{record.how}, {record.made:%Y-%m-%d}"
        return InngestBinary(self.program, record.version, origin, record.version in TESTED_VERSIONS, note)

    @contextlib.contextmanager
    def locked(self, attempt: Attempt) -> Iterator[None]:
        """Hold the cache alone; wait for another run that makes the program. Removes what dead runs left.

        Raises:
            OSError: the folder cannot be made or written.
            StoppedError: cancelled while waiting.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = self._lock()
        started = time.monotonic()
        while True:
            attempt.check()
            try:
                lock.acquire(timeout=LOCK_POLL_SECONDS)
                break
            except Timeout:
                waited = time.monotonic() - started
                attempt.progress(f"waiting for another durameter that makes the Inngest dev server, {waited:.0f} s")
        try:
            self._sweep()
            yield
        finally:
            self._sweep()
            lock.release()

    @contextlib.contextmanager
    def work_folder(self) -> Iterator[Path]:
        """A folder to make the program in, gone afterwards. Only for the holder of the lock."""
        work = Path(tempfile.mkdtemp(prefix="work-", dir=self.folder))
        try:
            yield work
        finally:
            _remove(work)

    def sweep_unless_busy(self) -> None:
        """Remove what killed runs left behind, unless a run is at work."""
        if not any(self.folder.glob("work-*")):
            return
        lock = self._lock()
        with contextlib.suppress(OSError, Timeout), lock.acquire(timeout=0):
            self._sweep()

    def _lock(self) -> FileLock:
        return FileLock(self.folder / ".lock")

    def _sweep(self) -> None:
        # Whoever holds the lock is the only one at work, so every folder here is a dead run's.
        for left in self.folder.glob("work-*"):
            _remove(left)


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _remove(folder: Path) -> None:
    """Remove a folder, also the read-only ones of a Go module cache. What resists is left for the next sweep."""
    shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        return
    with contextlib.suppress(OSError):
        for at, _folders, _files in os.walk(folder):
            Path(at).chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
