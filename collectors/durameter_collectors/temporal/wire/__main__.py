"""The tap as a program: a copying proxy in front of a Temporal server, and a decoder beside it.

    python -m durameter_collectors.temporal.wire --listen 127.0.0.1:7300 --target 127.0.0.1:7233 \
        --out wire.jsonl --control 7301

Clients and workers connect to `--listen` as they would to the server, without TLS. Only what `record` describes goes to
`--out`; headers and payloads are never written. Towards a TLS endpoint the tap ends TLS itself; API keys travel in the
calls' metadata, untouched. The calls' `:authority` stays the tap's own address (not tried against Temporal Cloud).

The control port, on loopback, takes lines: `mark` answers once everything that has passed is written; `stats` answers
at once. Answers are one line of JSON.
"""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from durameter_collectors.temporal.wire.courier import BACKLOG_BYTES, Courier
from durameter_collectors.temporal.wire.tap import Tap
from durameter_collectors.temporal.wire.upstream import Target, Tls, host_and_port

__all__: list[str] = []


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m durameter_collectors.temporal.wire")
    parser.add_argument("--listen", required=True, type=host_and_port, metavar="HOST:PORT")
    parser.add_argument("--target", required=True, type=host_and_port, metavar="HOST:PORT")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE")
    parser.add_argument("--control", required=True, type=int, metavar="PORT")
    parser.add_argument("--backlog", type=int, default=BACKLOG_BYTES, metavar="BYTES")
    parser.add_argument("--tls", action="store_true", help="the target speaks TLS")
    parser.add_argument("--tls-ca", type=Path, metavar="FILE")
    parser.add_argument("--tls-cert", type=Path, metavar="FILE")
    parser.add_argument("--tls-key", type=Path, metavar="FILE")
    parser.add_argument("--tls-server-name", default="", metavar="NAME")
    return parser.parse_args()


class _Control:
    """Answers the harness."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection to the control port."""
        try:
            while line := (await reader.readline()).strip():
                writer.write((await self._answer(line)).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            pass  # whoever asked has gone, or never meant this port
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> str:
        courier = self._tap.courier
        if line == b"mark":
            return await courier.mark()
        if line == b"stats":
            return json.dumps(
                {
                    "connections": self._tap.connections,
                    "backlog": courier.backlog,
                    "waited": courier.waited,
                    "decoder": courier.process.pid,
                    "decoding": not courier.dead,
                }
            )
        return json.dumps({"error": "commands are: mark, stats"})


async def _main(arguments: argparse.Namespace) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, ended.set)
    tls = Tls(arguments.tls_ca, arguments.tls_cert, arguments.tls_key, arguments.tls_server_name)
    host, port = arguments.target
    target = Target(host, port, tls if arguments.tls else None)
    courier = await Courier.start(arguments.out, backlog=arguments.backlog)
    try:
        tap = Tap(courier, target)
        listener = await loop.create_server(tap.accept, *arguments.listen)
        control = await asyncio.start_server(_Control(tap).serve, "127.0.0.1", arguments.control)
        await ended.wait()
        listener.close()
        control.close()
    finally:
        await courier.end()


if __name__ == "__main__":
    try:
        asyncio.run(_main(_arguments()))
    except OSError as error:
        sys.exit(f"the tap cannot start: {error}")
