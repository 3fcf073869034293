"""The control port of a tap: lines in, one line of JSON out, on loopback.

`mark` answers once everything that has passed is decoded and written; `stats` answers at once; `route NAME LISTEN
TARGET` opens one more listening socket (`host:port` each, port 0 for a free one) and answers with its address.
"""

import asyncio
import json

from durameter_collectors.tapping.copying import Route, Tap
from durameter_collectors.tapping.upstream import Target, host_and_port

__all__ = ["serve_control"]


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
    courier = tap.courier
    match line.split():
        case ["mark"]:
            return await courier.mark()
        case ["stats"]:
            about = {
                "connections": tap.connections,
                "backlog": courier.backlog,
                "waited": courier.waited,
                "decoder": courier.process.pid,
                "decoding": not courier.dead,
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
