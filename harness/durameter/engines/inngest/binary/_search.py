"""The order in which the program is looked for, and what is said when no place had it."""

import logging
import shutil
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

from durameter.engines.inngest.binary import _go, _npm
from durameter.engines.inngest.binary._cache import Cache
from durameter.engines.inngest.binary._program import InngestBinary, Recipe, ask_version, describe, recipe_for
from durameter.errors import EngineMissingError
from durameter.processes.run_program import Attempt, StoppedError, UnavailableError

__all__ = ["could_build", "ensure", "find"]

_NAMES = ("inngest", "inngest-cli")
_SETTING = "`binary` under [inngest] in durameter.toml, or DURAMETER_INNGEST_BINARY"
_log = logging.getLogger(__name__)


def find(configured: Path | None, cache: Path | None, *, version: str = "") -> tuple[InngestBinary | None, list[str]]:
    """Look for the program without fetching or building anything.

    Args:
        configured: the program that the configuration names, if it names one.
        cache: durameter's cache folder; by default the user's.
        version: the only version that will do, out of `RECIPES`; by default any that is configured or on the PATH, and
            `VERSION` otherwise. A build from source does not know its version: one that is configured is taken.

    Returns:
        The program, or None; and for each place that was looked at before, why it had none.

    Raises:
        EngineMissingError: a program is configured and does not work, or is of another version; nothing else is looked
            for then. Or durameter has no recipe for this version.
    """
    recipe = recipe_for(version)
    if configured is not None:
        return _configured(configured, version), []
    reasons = [f"configuration: no program is set ({_SETTING})"]
    for place, look in (("PATH", partial(_on_path, version)), ("cache", Cache(cache, recipe.version).find)):
        try:
            return look(), reasons
        except UnavailableError as error:
            reasons.append(f"{place}: {error}")
    return None, reasons


def ensure(
    configured: Path | None,
    cache: Path | None,
    progress: Callable[[str], None],
    *,
    version: str = "",
    allow_build: bool = True,
    cancelled: threading.Event | None = None,
) -> InngestBinary:
    """Find the program; otherwise let npm fetch it, otherwise build it, and keep it in the cache.

    Blocks for minutes when it builds. A Ctrl-C in the calling thread, an exception out of `progress`, `cancelled`, or
    the end of this process ends the children too, and leaves nothing that a later call would take for the program.

    Args:
        configured: the program that the configuration names, if it names one.
        cache: durameter's cache folder; by default the user's.
        version: the only version that will do, out of `RECIPES`; by default any that is configured or on the PATH, and
            `VERSION` otherwise. A build from source does not know its version: one that is configured is taken.
        version: as for `find`.
        progress: called, in this thread, with one line at each stage and every few seconds.
        allow_build: whether it may be fetched or built; otherwise it is only looked for.
        cancelled: set it from another thread to stop.

    Raises:
        EngineMissingError: as for `find`; or no way led to one, the message has the
            reasons; or it was cancelled.
    """
    recipe = recipe_for(version)
    found, reasons = find(configured, cache, version=version)
    store = Cache(cache, recipe.version)
    store.sweep_unless_busy()
    if found is not None:
        return found
    if allow_build:
        attempt = Attempt(progress, cancelled or threading.Event())
        try:
            with store.locked(attempt):
                made = _made_meanwhile(store) or _make(recipe, store, attempt, reasons)
        except StoppedError as error:
            raise EngineMissingError(
                "Making the Inngest dev server was stopped. Nothing half-made is kept; the next run starts again."
            ) from error
        except OSError as error:
            made = None
            reasons.append(f"cache: {store.folder} cannot be written ({error}); set DURAMETER_CACHE_DIR")
        if made is not None:
            return made
    else:
        reasons += [f"npm: not asked to fetch {recipe.words}", f"go: not asked to build {recipe.words}"]
    raise EngineMissingError(_missing(reasons))


def could_build(version: str = "") -> list[str]:
    """For `doctor`: for npm and for Go, whether it is here and good enough, one line each.

    Raises:
        EngineMissingError: durameter has no recipe for this version.
    """
    recipe = recipe_for(version)
    with tempfile.TemporaryDirectory(prefix="durameter-") as folder:
        states = [("npm", _npm.state(recipe, Path(folder))), ("go", _go.state(recipe, Path(folder)))]
    return [f"{name}: {'ok' if good else 'not usable'}: {words}" for name, (good, words) in states]


def _configured(configured: Path, version: str) -> InngestBinary:
    path = configured.expanduser().absolute()
    try:
        return describe(path, ask_version(path), "configured", version)
    except UnavailableError as error:
        raise EngineMissingError(
            f"The configured Inngest program {path} does not work: {error}. "
            f"Correct or remove the setting ({_SETTING}); without it durameter looks for one, or makes one."
        ) from error


def _on_path(version: str) -> InngestBinary:
    reasons = []
    for name in _NAMES:
        found = shutil.which(name)
        if found is None:
            reasons.append(f"no `{name}`")
            continue
        path = Path(found).absolute()
        try:
            return describe(path, ask_version(path), "path", version)
        except UnavailableError as error:
            reasons.append(str(error))
    raise UnavailableError("; ".join(reasons))


def _made_meanwhile(store: Cache) -> InngestBinary | None:
    """What another run put there while this one waited for the lock."""
    try:
        return store.find()
    except UnavailableError:
        return None


def _make(recipe: Recipe, store: Cache, attempt: Attempt, reasons: list[str]) -> InngestBinary | None:
    try:
        with store.work_folder() as work:
            program, how = _npm.fetch(recipe, work, attempt)
            return store.install(program, "npm", how)
    except UnavailableError as error:
        _log.debug("npm has no Inngest dev server here: %s", error)
        reasons.append(f"npm: {error}")
    try:
        with store.work_folder() as work:
            program, how = _go.build(recipe, work, attempt)
            return store.install(program, "go", how)
    except UnavailableError as error:
        reasons.append(f"go: {error}")
    return None


def _missing(reasons: list[str]) -> str:
    tried = "\n".join(f"  {number}. {reason}" for number, reason in enumerate(reasons, start=1))
    return (
        f"There is no Inngest dev server on this machine. What was tried:\n{tried}\n"
        "Any one of these is enough. Or use a server that already runs, for example in Docker (image inngest/inngest, "
        "see docker-compose.yml): set `address` under [inngest] in durameter.toml, or DURAMETER_INNGEST_ADDRESS, "
        "to its base URL, such as http://127.0.0.1:8288."
    )
