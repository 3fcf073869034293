"""The tap as a program: a copying proxy between an Inngest server and apps and clients, and a decoder beside it.

    python -m durameter_collectors.inngest.wire --out wire.jsonl --control 7301 \
        --server 127.0.0.1:7300=127.0.0.1:8288 --app 127.0.0.1:7302=127.0.0.1:3000

`--server`: clients and apps send events and call the API at the first address, the server is at the second one.
`--app`: the server asks the app at the first address, the app is at the second one; it must name the first when it
registers (`serve_origin`, `serveHost`, `INNGEST_SERVE_HOST`). Both may be given again, and the control port can add
routes later (`tapping.control`). Only what `record` describes is written; payloads and keys never are.
"""

import argparse
import asyncio
import sys

from durameter_collectors.inngest.wire.decode import RouteKind
from durameter_collectors.tapping.program import Listen, add_arguments, run_tap
from durameter_collectors.tapping.proxy import Route
from durameter_collectors.tapping.upstream import Target, host_and_port

__all__: list[str] = []


def _listen(kind: RouteKind, text: str) -> Listen:
    listen, _, target = text.partition("=")
    return (*host_and_port(listen), Route(kind, Target(*host_and_port(target))))


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m durameter_collectors.inngest.wire")
    add_arguments(parser)
    parser.add_argument("--server", action="append", default=[], metavar="LISTEN=TARGET")
    parser.add_argument("--app", action="append", default=[], metavar="LISTEN=TARGET")
    arguments = parser.parse_args()
    try:
        routes = [_listen("server", text) for text in arguments.server]
        routes += [_listen("app", text) for text in arguments.app]
        asyncio.run(run_tap(arguments, "durameter_collectors.inngest.wire.decode", routes))
    except (OSError, ValueError) as error:
        sys.exit(f"the tap cannot start: {error}")


if __name__ == "__main__":
    _main()
