"""The tap of an Inngest measurement: before the server for clients and apps, before each app for the server."""

from pathlib import Path

from durameter.engines.tap import GuardedTap, start_guarded_tap
from durameter_collectors.inngest.wire.client import WireLog, tap_command

__all__ = ["RunningTap", "start_tap"]

RunningTap = GuardedTap[WireLog]
"""Listens nowhere by itself: `log.before_server` and `log.before_app` open its ports."""


async def start_tap(folder: Path) -> RunningTap:
    """Start a tap without routes.

    Args:
        folder: where its rows and its log go. Nothing raw is written.

    Raises:
        EngineMissingError: it did not start.
    """

    def command(python: str, _listen: str, rows: Path, control: int) -> list[str]:
        return tap_command(python, out=rows, control=control)

    return await start_guarded_tap("The tap of the Inngest measurement", folder, command, WireLog, listens=False)
