"""The tap as a program: a copying proxy in front of a Temporal server, and a decoder beside it.

    python -m durameter_collectors.temporal.wire --listen 127.0.0.1:7300 --target 127.0.0.1:7233 \
        --out wire.jsonl --control 7301

Clients and workers connect to `--listen` as they would to the server, without TLS. Only what `record` describes goes to
`--out`; headers and payloads are never written. Towards a TLS endpoint the tap ends TLS itself; API keys travel in the
calls' metadata, untouched. The calls' `:authority` stays the tap's own address (not tried against Temporal Cloud).

The control port is that of every tap (`tapping.control`).
"""

import argparse
import asyncio
import sys
from pathlib import Path

from durameter_collectors.tapping.program import add_arguments, run_tap
from durameter_collectors.tapping.proxy import Route
from durameter_collectors.tapping.upstream import Target, Tls, host_and_port

__all__: list[str] = []


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m durameter_collectors.temporal.wire")
    add_arguments(parser)
    parser.add_argument("--listen", required=True, type=host_and_port, metavar="HOST:PORT")
    parser.add_argument("--target", required=True, type=host_and_port, metavar="HOST:PORT")
    parser.add_argument("--tls", action="store_true", help="the target speaks TLS")
    parser.add_argument("--tls-ca", type=Path, metavar="FILE")
    parser.add_argument("--tls-cert", type=Path, metavar="FILE")
    parser.add_argument("--tls-key", type=Path, metavar="FILE")
    parser.add_argument("--tls-server-name", default="", metavar="NAME")
    return parser.parse_args()


async def _main(arguments: argparse.Namespace) -> None:
    host, port = arguments.target
    tls = Tls(arguments.tls_ca, arguments.tls_cert, arguments.tls_key, arguments.tls_server_name)
    route = Route("frontend", Target(host, port, tls if arguments.tls else None))
    await run_tap(arguments, "durameter_collectors.temporal.wire.calls", [(*arguments.listen, route)])


if __name__ == "__main__":
    try:
        asyncio.run(_main(_arguments()))
    except OSError as error:
        sys.exit(f"the tap cannot start: {error}")
