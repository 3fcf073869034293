"""Options of a watch of Inngest that do not go together."""

import httpx

from durameter.config import Config
from durameter.errors import UsageError
from durameter.watch.engine import WatchOptions

__all__ = ["see", "see_tap"]


def see(options: WatchOptions, config: Config) -> None:
    """See, before anything starts, that the options are for Inngest and go together.

    Raises:
        UsageError: they do not.
    """
    del config
    for url in options.app:
        try:
            parts = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise UsageError(f"--app {url!r} is not a URL: {error}.") from error
        if parts.scheme not in {"http", "https"} or not parts.host or parts.path in {"", "/"}:
            raise UsageError(
                f"--app {url!r} must be the URL at which the app serves its functions, such as "
                "http://localhost:3000/api/inngest."
            )
    if options.app and not options.command:
        raise UsageError("--app names an app of a command: give one after `--`, or leave --app out.")
    if options.query and options.command and not options.attach:
        raise UsageError("--query chooses among a server's records: it goes with --attach.")
    if options.attach and not options.attach.startswith(("http://", "https://")):
        raise UsageError(
            f"--attach {options.attach!r}: the address of an Inngest server is a URL, such as http://127.0.0.1:8288."
        )


def see_tap(options: WatchOptions) -> None:
    """See that a tap can be before a server that is attached to, and is of use.

    Raises:
        UsageError: it cannot, or is not.
    """
    if options.query and options.command:
        raise UsageError(
            "--query chooses among a server's records: it goes with --attach and no command. With a command, what "
            "passes the tap tells which runs are its own."
        )
    if options.attach.startswith("https://") and options.command:
        raise UsageError(
            f"--attach {options.attach} with a command: the tap cannot stand before a server that speaks TLS. Count "
            "its records (without a command, --since), or run the program on a dev server (without --attach)."
        )
