"""A tap as a program: what the command lines of all engines' taps share."""

import argparse
import asyncio
import signal
from collections.abc import Sequence
from pathlib import Path

from durameter_collectors.tapping.control import serve_control
from durameter_collectors.tapping.copying import Route, Tap
from durameter_collectors.tapping.courier import BACKLOG_BYTES, Courier

__all__ = ["Listen", "add_arguments", "run_tap"]

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
    courier = await Courier.start(decoder, arguments.out, backlog=arguments.backlog)
    try:
        tap = Tap(courier)
        for host, port, route in routes:
            await tap.listen(host, port, route)
        control = await serve_control(tap, arguments.control)
        await ended.wait()
        tap.close()
        control.close()
    finally:
        await courier.end()
