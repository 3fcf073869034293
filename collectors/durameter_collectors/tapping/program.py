"""A tap as a program: what the command lines of all engines' taps share."""

import argparse
import asyncio
import json
import signal
from collections.abc import Sequence
from pathlib import Path

from durameter_collectors.tapping.decoder_process import BACKLOG_BYTES, DecoderProcess
from durameter_collectors.tapping.proxy import Route, Tap
from durameter_collectors.tapping.upstream import Target, host_and_port

__all__ = [
    "Listen",
    "add_arguments",
    "run_tap",
    "serve_control",
]

# The control port of a tap: lines in, one line of JSON out, on loopback.


async def serve_control(tap: Tap, port: int) -> asyncio.Server:
    """Answer on this port.

    Raises:
        OSError: the port is taken.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := (await reader.readline()).strip():
                writer.write((await _answer(tap, line.decode())).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            pass  # whoever asked has gone, or never meant this port
        finally:
            writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", port)


async def _answer(tap: Tap, line: str) -> str:
    decoder_process = tap.decoder_process
    match line.split():
        case ["mark"]:
            return await decoder_process.mark()
        case ["stats"]:
            about = {
                "connections": tap.connections,
                "backlog": decoder_process.backlog,
                "waited": decoder_process.waited,
                "decoder": decoder_process.process.pid,
                "decoding": not decoder_process.dead,
            }
            return json.dumps(about)
        case ["route", name, listen, target]:
            try:
                host, port = host_and_port(listen)
                chosen = await tap.listen(host, port, Route(name, Target(*host_and_port(target))))
            except (OSError, ValueError) as error:
                return json.dumps({"error": str(error)})
            return json.dumps({"port": chosen})
    return json.dumps({"error": "commands are: mark, stats, route NAME LISTEN TARGET"})


Listen = tuple[str, int, Route]
"""Host and port to listen on, and where its connections go."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that every tap takes."""
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="the rows are appended to it")
    parser.add_argument("--control", required=True, type=int, metavar="PORT", help="on loopback, see tapping.control")
    parser.add_argument("--backlog", type=int, default=BACKLOG_BYTES, metavar="BYTES")


async def run_tap(arguments: argparse.Namespace, decoder: str, routes: Sequence[Listen]) -> None:
    """Serve until a signal asks to end; then everything that has passed is written.

    Args:
        arguments: what `add_arguments` parsed.
        decoder: the engine's decoder, a module that is run as a program.
        routes: what to listen on from the beginning; the control port can add more.

    Raises:
        OSError: a port is taken, a file cannot be written or the decoder cannot be started.
    """
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    decoder_process = await DecoderProcess.start(decoder, arguments.out, backlog=arguments.backlog)
    try:
        tap = Tap(decoder_process)
        for host, port, route in routes:
            await tap.listen(host, port, route)
        control = await serve_control(tap, arguments.control)
        await ended.wait()
        tap.close()
        control.close()
    finally:
        await decoder_process.end()
