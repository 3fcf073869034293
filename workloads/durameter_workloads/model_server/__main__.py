"""`python -m durameter_workloads.model_server SCRIPT.json`: the model server by itself, for agents of your own."""

import asyncio
import contextlib
from pathlib import Path
from typing import Annotated

import typer

from durameter_workloads.model_server import Faults, ModelServer, Scripts, serve_model


def main(
    script: Annotated[
        Path, typer.Argument(help="A JSON file: {replies: {USER: [{content, tool_calls}]}}.", exists=True)
    ],
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 for a free one.")] = 0,
    rate_limited: Annotated[float, typer.Option(help="Probability of a 429 per attempt.")] = 0.0,
    server_errors: Annotated[float, typer.Option(help="Probability of a 500 per attempt.")] = 0.0,
    latency_ms: Annotated[float, typer.Option(help="Median latency.")] = 50.0,
    tokens_per_second: Annotated[float, typer.Option(help="How fast a streamed answer comes.")] = 50.0,
    seed: Annotated[int, typer.Option(help="Seed of latencies and faults.")] = 0,
    log: Annotated[Path | None, typer.Option(help="Append one JSON line per answered request.")] = None,
) -> None:
    """Serve scripted replies as an OpenAI-compatible model until Ctrl-C."""
    try:
        scripts = Scripts.model_validate_json(script.read_text())
    except ValueError as error:
        raise typer.BadParameter(f"{script} is no script: {error}") from error
    server = ModelServer(
        scripts=scripts,
        seed=seed,
        latency_ms=latency_ms,
        tokens_per_second=tokens_per_second,
        faults=Faults(rate_limited=rate_limited, server_errors=server_errors),
    )

    async def serve() -> None:
        async with serve_model(server, log_file=log, port=port) as (url, _):
            typer.echo(f"OPENAI_BASE_URL={url}")
            await asyncio.Event().wait()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve())


if __name__ == "__main__":
    typer.run(main)
