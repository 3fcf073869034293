"""Why a watch of Inngest found nothing, and what to do about it."""

from datetime import datetime

from durameter.engines.discovery import WatchOptions
from durameter.engines.inngest.session import InngestSession
from durameter.engines.inngest.triggers import listens
from durameter.engines.inngest.watch.apps import PATHS, Apps

__all__ = ["nothing"]


async def nothing(
    session: InngestSession, apps: Apps | None, options: WatchOptions, begun: datetime, skipped: int
) -> str:
    """In words, the nearest reason first."""
    if skipped:
        return (
            f"The server skipped all {skipped} runs (rate limits, singletons): nothing was executed, and a skipped run "
            "is free. Send events that are not skipped."
        )
    if apps is None:
        until = f" until {options.until:%Y-%m-%d %H:%M:%S %Z}" if options.until else ""
        only = f" of {options.query}" if options.query else ""
        return (
            f"The Inngest server at {session.info.address} has no run{only} that was queued since "
            f"{begun:%Y-%m-%d %H:%M:%S %Z}{until}. Choose an earlier --since, or another --attach."
        )
    if session.tap is not None:
        await session.tap.log.settle()
    problems = [app.problem for app in apps.found.values() if app.problem]
    if problems and not apps.tapped():
        return f"No run was executed: {'; '.join(problems)}."
    if not apps.tapped():
        return _not_found(session, apps)
    return _no_run(session, apps)


def _not_found(session: InngestSession, apps: Apps) -> str:
    if apps.silent:
        return " ".join(
            f"--app {url} is no Inngest app: {why or 'nothing listens there'}. Is that its port, and the path at which "
            "serve() is mounted? And has the program run long enough to serve it?"
            for url, why in apps.silent.items()
        )
    somewhere = (
        f" The command listens on port {', '.join(map(str, sorted(apps.strange)))}, where no Inngest app answers at "
        f"{', '.join(PATHS)}."
        if apps.strange
        else ""
    )
    others = sorted(apps.places.before)
    taken = (
        f" (Port {', '.join(map(str, others))} was in use before the command began, and is not looked at.)"
        if others
        else ""
    )
    sent = _sent(session)
    events = f" Events were sent ({sent}), and nobody was there to run anything for them." if sent else ""
    return (
        f"No Inngest app registered, and none was found.{somewhere}{taken}{events} Does the command serve one by HTTP? "
        "Name it: --app http://localhost:3000/api/inngest. A program that uses Connect cannot be watched; and one that "
        "ends at once must serve until its runs have ended."
    )


def _no_run(session: InngestSession, apps: Apps) -> str:
    tapped = apps.tapped()
    names = ", ".join(f"{app.id} at {app.url}" for app in tapped)
    tap = session.tap
    rows = tap.log.index.events if tap else []
    functions = list(tap.log.index.functions.values()) if tap else []
    heard = sorted({event for function in functions for event in function.events})
    listened = ", ".join(heard) or "no event"
    refused = [row for row in rows if not row.ids]
    taken = [row for row in rows if row.ids]
    if refused and not taken:
        return (
            f"The app {names} was found, and the server refused its events with status "
            f"{', '.join(sorted({str(row.status) for row in refused}))}. A server that asks for keys needs "
            "INNGEST_EVENT_KEY in the program's environment."
        )
    if not taken:
        return (
            f"The app {names} was found, and no event was sent to the server: nothing ran. Its functions listen to "
            f"{listened}. Send one while the command runs (POST {session.address}/e/any-key), or let the program do "
            "it; a program that sends to Inngest Cloud has isDev: false or an address in its code."
        )
    unheard = sorted(
        {name for row in taken for name in row.names if not any(listens(each, name) for each in functions)}
    )
    if unheard:
        return (
            f"Events were sent ({', '.join(unheard)}), and no function listens to them: {names} listens to {listened}. "
            "Is the event's name right?"
        )
    first = min((app.since for app in tapped if app.since), default=None)
    if first and all(row.time < first for row in taken):
        return (
            f"Events were sent ({_sent(session)}) before {names} had registered, and the server starts nothing for "
            "such. Send them once the app is registered: durameter does that within a second of its first answer."
        )
    return (
        f"Events were sent ({_sent(session)}) and the server started no run of {names}: do its functions declare "
        "limits (debounce, batches, throttles, `if` expressions) that still held them back? Let the command run longer."
    )


def _sent(session: InngestSession) -> str:
    if session.tap is None:
        return ""
    return ", ".join(sorted({name for row in session.tap.log.index.events if row.ids for name in row.names}))
