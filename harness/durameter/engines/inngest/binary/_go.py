"""A build of the server from its Go module, for machines that reach nothing but package registries.

One package of newer versions embeds help texts that are not part of the module, so the packages are vendored first and
a file of our own is put in their place. The user's Go settings (proxy, checksum database, tool chain) stay as they are;
every folder that Go writes to is in the work folder. Source: the vendor's module at v1.12.1 and v1.44.0; found out by
building it.
"""

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from durameter.engines.inngest.binary._cache import platform_name
from durameter.engines.inngest.binary._program import Recipe, ask_version
from durameter.processes.run_program import Attempt, UnavailableError, ask, lines_of

__all__ = ["build", "state"]

VENDOR_LIMIT_SECONDS = 1800.0
BUILD_LIMIT_SECONDS = 3600.0

DISK_BYTES = 5 * 10**9
"""Free space that is needed meanwhile (measured, Go 1.26.8: at most 4.7 GB, most of it module and build cache)."""

_COMMAND = "github.com/inngest/inngest/cmd"
_BUILD = ("go", "build", "-v", "-mod=vendor", "-trimpath", "-buildvcs=false", "-ldflags=-s -w")
_EMBEDDING = "github.com/inngest/inngest/internal/embeddocs"
_TOO_NEW = (1, 27, 0)


def state(recipe: Recipe, folder: Path) -> tuple[bool, str]:
    """Whether Go is here and can build the module, and a sentence that says so. Fetches nothing.

    Args:
        recipe: of the version that is wanted.
        folder: an empty folder to ask in.
    """
    oldest = recipe.oldest_go
    needed = (
        f"Go {_dotted(oldest)} or newer, and older than 1.27, can build {recipe.version} (about 4 minutes on 2 cores, "
        "5 GB of disk meanwhile)"
    )
    if shutil.which("go") is None:
        return False, f"no `go` on the PATH; {needed}"
    outside = os.environ | {"GOWORK": "off"}
    try:
        # Asked like this, Go never fetches another tool chain.
        said = ask(["go", "version"], environment=outside | {"GOTOOLCHAIN": "local"}, folder=folder)
        setting = ask(["go", "env", "GOTOOLCHAIN"], environment=outside, folder=folder)
    except UnavailableError as error:
        return False, f"{error}; {needed}"
    version = _version(setting) or _version(said)  # GOTOOLCHAIN=go1.26.5: that one is used, and fetched if need be
    if version is None:
        return False, f"`go version` answers {said[:80]!r}; {needed}"
    words = f"go {_dotted(version)}"
    if version < oldest and version >= (1, 21, 0) and (setting == "auto" or setting.endswith("+auto")):
        return True, f"{words}, which fetches the tool chain it needs by itself (GOTOOLCHAIN={setting}); {needed}"
    return oldest <= version < _TOO_NEW, f"{words}; {needed}"


def build(recipe: Recipe, work: Path, attempt: Attempt) -> tuple[Path, str]:
    """Build the server.

    Args:
        recipe: of the version that is wanted.
        work: an empty folder; everything that Go writes goes there.
        attempt: who is told, and who may stop it.

    Returns:
        The program in that folder, and how it was made.

    Raises:
        UnavailableError: there is no fitting Go, too little disk, a module cannot be fetched, or the build fails.
    """
    good, words = state(recipe, work)
    if not good:
        raise UnavailableError(words)
    free = shutil.disk_usage(work).free
    if free < DISK_BYTES:
        raise UnavailableError(
            f"{DISK_BYTES / 1e9:.0f} GB are needed under {work.parent}, {free / 1e9:.1f} GB are free"
        )
    module = work / "module"
    module.mkdir()
    recipe.lay_out(module, "go.mod", "go.sum")
    environment = _environment(work)
    complaints = _vendor(recipe, module, environment, work / "vendor.log", attempt)
    program = work / "inngest"
    log = work / "build.log"
    try:
        attempt.run(
            [*_BUILD, "-o", str(program), _COMMAND],
            folder=module,
            environment=environment,
            log=log,
            limit=BUILD_LIMIT_SECONDS,
            stage=lambda n: f"building {recipe.words}: {n} of about {recipe.packages} packages",
        )
    except UnavailableError as error:
        # With -v every package is a line of one word; sentences are what went wrong.
        sentences = complaints + [line for line in lines_of(log) if " " in line]
        raise UnavailableError(_with(error, sentences)) from error
    attempt.progress(f"{recipe.words} is built, removing what the build needed")
    ask_version(program)
    used = ask(["go", "env", "GOVERSION"], environment=environment, folder=module)
    return program, f"built with {used} from the Go module github.com/inngest/inngest v{recipe.version}"


def _vendor(recipe: Recipe, module: Path, environment: Mapping[str, str], log: Path, attempt: Attempt) -> list[str]:
    """Fetch the modules and lay their packages out; returns what Go complained of, except what is expected."""

    def unexpected() -> list[str]:
        lines = lines_of(log)
        return [line for line in lines if not line.startswith("go: downloading ") and _EMBEDDING not in line]

    try:
        attempt.run(
            ["go", "mod", "vendor", "-e", "-modcacherw"],
            folder=module,
            environment=environment,
            log=log,
            limit=VENDOR_LIMIT_SECONDS,
            stage=lambda n: f"fetching the source of {recipe.words}: {n} of {recipe.modules} modules",
        )
    except UnavailableError as error:
        raise UnavailableError(_with(error, unexpected())) from error
    pages = module / "vendor" / _EMBEDDING / "website" / "pages" / "docs"
    pages.mkdir(parents=True, exist_ok=True)
    (pages / "none.md").write_text("No help pages are part of this build.\n", encoding="utf-8")
    return unexpected()


def _environment(work: Path) -> Mapping[str, str]:
    """The user's environment, with Go's own folders in the work folder and a build for this very machine."""
    system, machine = platform_name()
    folders = {name: work / name.lower() for name in ("GOPATH", "GOMODCACHE", "GOCACHE", "GOTMPDIR")}
    folders["GOTMPDIR"].mkdir()  # the only one that Go does not make
    return (
        os.environ
        | {name: str(folder) for name, folder in folders.items()}
        | {"GO111MODULE": "on", "GOWORK": "off", "CGO_ENABLED": "0", "GOOS": system, "GOARCH": machine}
    )


def _version(said: str) -> tuple[int, int, int] | None:
    found = re.search(r"\bgo(\d+)\.(\d+)(?:\.(\d+))?", said)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def _dotted(version: tuple[int, int, int]) -> str:
    return ".".join(map(str, version))


def _with(error: UnavailableError, sentences: list[str]) -> str:
    return f"{error}: {' '.join(sentences[:3])[:500]}" if sentences else str(error)
