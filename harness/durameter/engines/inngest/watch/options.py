"""Options of a watch of Inngest that do not go together."""

import json
from collections.abc import Iterator, Mapping

import httpx

from durameter.config import Config
from durameter.engines.discovery import WatchOptions
from durameter.engines.inngest.config import InngestConfig
from durameter.engines.task_key import TaskKey
from durameter.errors import UsageError

__all__ = [
    "UNSEEN",
    "UNSEEN_WITHOUT_TAP",
    "check",
    "check_fits",
    "check_tap",
    "usual_port_note",
    "value_at",
    "variables",
]

# Task keys of Inngest: a field of the event that began a run.


def value_at(event: Mapping[str, object] | None, path: str) -> str | None:
    """A field of an event by its path, such as `data.conversation.id`; None where it is not there or no plain value."""
    value: object = event
    for part in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    if value is None or isinstance(value, Mapping | list):
        return None
    return value if isinstance(value, str) else json.dumps(value)


def check_fits(key: TaskKey, events: Mapping[str, Mapping[str, object]], groups: Mapping[str, str]) -> None:
    """Check that a key finds something in any event.

    Args:
        key: of the user.
        events: what the events that began root runs say, by id.
        groups: event → value of the key, where it has one.

    Raises:
        UsageError: there are events, and it fits none.
    """
    if not events or events.keys() & groups.keys():
        return
    example = events[min(events)]
    raise UsageError(
        f"--task-key {key}: no event that started a run has the field {key.value}. "
        f"An event of this program has: {', '.join(sorted(_fields(example))) or 'no field'}."
    )


def _fields(event: Mapping[str, object], before: str = "") -> Iterator[str]:
    for name, value in event.items():
        if isinstance(value, Mapping):
            yield from _fields(value, f"{before}{name}.")
        elif name != "_inngest":
            yield f"{before}{name}"


# What a watch of Inngest says in words, in one place.

UNSEEN = (
    "events that an app sends outside of a step: nothing says which run sent them, and what they start is its own task",
    "apps that use Connect instead of HTTP: their runs are counted from the server's traces alone",
    "runs that the server still held back when the watch ended (debounce, batches, throttles)",
)

UNSEEN_WITHOUT_TAP = (
    "attempts of steps that failed as errors of the function (RetryAfterError in Python): only the wire tells them",
    "whether a planned step was begun: a cancelled or failed run may be counted too high by steps that never were",
    "which steps sent events, published or asked a model by themselves (ai.wrap): they are counted, as step.run",
    "SDK requests, bytes, and events that started no run: no record lists them by run",
    "steps of runs that began before the window; a run that one of them led to counts as a root",
)


def usual_port_note(port: int, why: str) -> str:
    """What to say when the tap cannot listen where programs look by default."""
    return (
        f"port {port} is not free ({why}): a program that has this address in its code, instead of reading INNGEST_DEV "
        "or INNGEST_BASE_URL, is not seen. End what listens there, or let the program read the variable."
    )


# Variables by which the SDKs for TypeScript, Python and Go find an Inngest server.


def variables(address: str, inngest: InngestConfig, *, keyed: bool) -> dict[str, str]:
    """For a server at this address; with its keys where it is `keyed`, and so no dev server."""
    found = {
        "INNGEST_BASE_URL": address,
        "INNGEST_API_BASE_URL": address,
        "INNGEST_EVENT_API_BASE_URL": address,
    }
    if not keyed:
        return found | {"INNGEST_DEV": address}
    keys = {"INNGEST_SIGNING_KEY": inngest.signing_key, "INNGEST_EVENT_KEY": inngest.event_key}
    return found | {name: key.get_secret_value() for name, key in keys.items() if key is not None}


def check(options: WatchOptions, config: Config) -> None:
    """Check, before anything starts, that the options are for Inngest and go together.

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


def check_tap(options: WatchOptions) -> None:
    """Check that a tap can be before a server that is attached to, and is of use.

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
