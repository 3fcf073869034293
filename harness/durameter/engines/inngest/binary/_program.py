"""What is known of one Inngest program, and the question that every one of them must answer."""

import re
import tempfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Literal

from durameter.errors import EngineMissingError
from durameter.processes.run_program import UnavailableError, ask
from durameter.processes.server import clean_environment

__all__ = [
    "RECIPES",
    "TESTED_VERSIONS",
    "VERSION",
    "InngestBinary",
    "Origin",
    "Recipe",
    "ask_version",
    "describe",
    "options_of",
    "recipe_for",
]

# Versions of the server that durameter can make, and what making each of them takes.

VERSION = "1.44.0"
"""The version that is fetched or built unless another one is asked for."""


@dataclass(frozen=True)
class Recipe:
    """How one version is fetched or built."""

    version: str
    oldest_go: tuple[int, int, int]
    """What the module's go.mod asks for."""
    modules: int
    """How many modules a build fetches, for the progress."""
    packages: int
    """How many packages it compiles, for the progress."""

    @property
    def words(self) -> str:
        """What to call it in messages."""
        return f"the Inngest dev server {self.version}"

    def lay_out(self, folder: Path, *names: str) -> None:
        """Copy these files of the recipe into a folder."""
        for name in names:
            source = resources.files(__package__).joinpath("recipe", self.version, name)
            (folder / name).write_bytes(source.read_bytes())


RECIPES = {
    recipe.version: recipe
    for recipe in (
        Recipe(VERSION, oldest_go=(1, 26, 4), modules=228, packages=1470),
        Recipe("1.12.1", oldest_go=(1, 24, 0), modules=226, packages=1370),
    )
}


def recipe_for(version: str) -> Recipe:
    """The recipe of a version, that of the default one for an empty string.

    Raises:
        EngineMissingError: there is none for it.
    """
    recipe = RECIPES.get(version or VERSION)
    if recipe is None:
        raise EngineMissingError(
            f"Durameter has no recipe for version {version} of the Inngest dev server; it knows {', '.join(RECIPES)} "
            "(`version` under [inngest] in durameter.toml, or DURAMETER_INNGEST_VERSION). A program of another version "
            "can be named by `binary`, or DURAMETER_INNGEST_BINARY."
        )
    return recipe


TESTED_VERSIONS = frozenset({"1.44.0"})
"""Versions on which the project's suites have been run whole."""

Origin = Literal["configured", "path", "cache", "npm", "go"]

# A release says `1.44.0-<commit>`, a build from source `dev-`; a pre-release such as `1.45.0-beta.1-<commit>` is
# another version than 1.45.0.
_ANSWER = re.compile(r"v?\d+\.\d+\.\d+\S*|dev-\S*")
_OPTION = re.compile(r"^\s+--([a-z][a-z-]*)\b", re.MULTILINE)
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
    said = _ask(program, "version")
    if not _ANSWER.fullmatch(said):
        raise UnavailableError(f"{program} answers {said[:80]!r} to `version`, which is no version of Inngest")
    return said


def options_of(program: Path, command: str) -> frozenset[str]:
    """The long options that a command of the program offers in its own help, without their dashes.

    Raises:
        EngineMissingError: it does not say.
    """
    try:
        return frozenset(_OPTION.findall(_ask(program, command, "--help")))
    except UnavailableError as error:
        raise EngineMissingError(f"The Inngest program does not say how it is started: {error}.") from error


def _ask(program: Path, *arguments: str) -> str:
    with tempfile.TemporaryDirectory(prefix="durameter-") as folder:
        environment = clean_environment(Path(folder), {"DO_NOT_TRACK": "1"})
        return ask([str(program), *arguments], environment=environment, folder=Path(folder))


def describe(path: Path, said: str, origin: Origin, wanted: str = "") -> InngestBinary:
    """Judge a program that durameter did not make by the version that it prints.

    Args:
        path: the program.
        said: what it prints.
        origin: where it was found.
        wanted: the only version that will do, if one was asked for.

    Raises:
        UnavailableError: it is not the wanted version. A build from source does not know its own; whoever configures
            one does.
    """
    release = _RELEASE.fullmatch(said)
    known = said.startswith("dev-") and origin == "configured"
    if wanted and not known and not (release and release[1] == wanted):
        raise UnavailableError(f"{path} says that it is {said}, and {wanted} is asked for")
    tested_on = ", ".join(sorted(TESTED_VERSIONS))
    if release and release[1] in TESTED_VERSIONS:
        return InngestBinary(path, said, origin, tested=True, note="")
    if said.startswith("dev-"):
        note = f"built from source, its version is not known; durameter's suites have been run on {tested_on}"
    else:
        note = f"durameter's suites have been run on {tested_on}, not on this version"
    return InngestBinary(path, said, origin, tested=False, note=note)
