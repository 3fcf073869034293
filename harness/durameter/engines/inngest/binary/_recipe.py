"""Versions of the server that durameter can make, and what making each of them takes.

`recipe/<version>/` holds, for npm, a package.json and a lock file with the hash of every package and no address; for
Go, a go.mod that names the module's command as a tool, and its go.sum. That of 1.12.1 has upstream's two lines for
`inngestgo` v0.13.2-0.20250812183425-c9b78e47b1f9, a commit that the checksum database does not serve.
"""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from durameter.errors import EngineMissingError

__all__ = ["RECIPES", "VERSION", "Recipe", "recipe_for"]

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
