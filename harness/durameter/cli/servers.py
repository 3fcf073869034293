"""`durameter servers`: dev servers that stay until they are told to go."""

import asyncio
import json
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from durameter.cli._options import ConfigFile
from durameter.config import Config, load_config
from durameter.engines.base import Engine
from durameter.engines.detached import keep_server, locked, read_servers, stop_server
from durameter.errors import EngineMissingError
from durameter.registry import engine_names, load_engine

__all__ = ["servers"]

servers = typer.Typer(add_completion=False, no_args_is_help=True, help="Manage long-running dev servers.")

_Engines = Annotated[list[str] | None, typer.Option("--engine", "-e", help="Only this engine.", show_default="all")]


@servers.command()
def up(engine: _Engines = None, config: ConfigFile = None) -> None:
    """Start the servers in the background, and print the variables by which `durameter run` uses them.

    [bold]Examples[/bold]

    durameter servers up

    eval "$(durameter servers up)"; durameter run; durameter servers down
    """
    settings = load_config(config)
    state = settings.servers.state.absolute()
    engines = [load_engine(name).engine() for name in dict.fromkeys(engine or engine_names())]
    with locked(state):
        status = asyncio.run(_up(engines, settings, state))
        running = {each.engine: each for each in read_servers(state) if each.running}
    for each in engines:
        if each.name in running:
            for name, value in running[each.name].settings.items():
                print(f"export {name}={shlex.quote(value)}")
    raise typer.Exit(status)


async def _up(engines: list[Engine], config: Config, state: Path) -> int:
    missing = 0
    for engine in engines:
        known = next((each for each in read_servers(state) if each.engine == engine.name and each.running), None)
        if known is not None:
            _say(f"{engine.name} {known.info.version} runs already at {known.info.address}")
            continue
        folder = state / engine.name
        folder.mkdir(parents=True, exist_ok=True)
        try:
            server = await engine.start(config, folder, _say)
        except EngineMissingError as error:
            _say(f"{engine.name}: {error}")
            missing += 1
            continue
        entry = await keep_server(state, engine.name, server, folder)
        _say(f"{engine.name} {entry.info.version} runs at {entry.info.address}, state and log in {folder}")
    return EngineMissingError.exit_code if missing else 0


def _say(line: str) -> None:
    print(line, file=sys.stderr)


@servers.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False, config: ConfigFile = None
) -> None:
    """Say which servers run, where, and where their logs are."""
    there = read_servers(load_config(config).servers.state)
    if as_json:
        print(json.dumps([{**each.model_dump(mode="json"), "running": each.running} for each in there], indent=2))
        return
    if not there:
        print("No servers. `durameter servers up` starts them; `durameter run` starts its own.")
        return
    for each in there:
        where = f"{each.info.address}, process {each.pid}" if each.running else "gone"
        print(f"{each.engine} {each.info.version}: {where}, log {each.folder / 'server.log'}")


@servers.command()
def down(engine: _Engines = None, config: ConfigFile = None) -> None:
    """Stop the servers that `up` started."""
    state = load_config(config).servers.state.absolute()
    for name in engine or []:
        load_engine(name)
    with locked(state):
        there = [each for each in read_servers(state) if not engine or each.engine in engine]
        if not there:
            _say("No servers to stop.")
        for each in there:
            _say(f"{each.engine} stopped" if stop_server(state, each) else f"{each.engine} was gone already")
