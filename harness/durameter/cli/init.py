"""`durameter init`: write a minimal workload that works."""

from pathlib import Path
from typing import Annotated

import typer

from durameter.init.write import BOTH, write_example

__all__ = ["init"]


def init(
    engines: Annotated[
        str, typer.Argument(metavar="ENGINE", help="Write the agent for this engine, or for both.")
    ] = BOTH,
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where to. The workload is named after it.", show_default="my_agent")
    ] = Path("my_agent"),
) -> None:
    """Write a small agent that is measured as it is, for your own to take its place.

    A file with the workload, one per engine with the agent, and a test that holds the count to what was derived by
    hand. Nothing is overwritten.

    [bold]Examples[/bold]

    durameter init

    durameter init temporal my_agent
    """
    written = write_example(engines, folder)
    print(f"Wrote to {written.folder}:")
    for file in written.files:
        print(f"  {file}")
    workload = f"./{written.files[0]}:workload"
    print("\nNext:")
    if folder.resolve() != Path.cwd():
        print(f"  cd {folder}")
    print(f"  durameter run {workload} --tasks 3")
    print("  pytest  # in an environment that has it")
