"""Runs against events: each event that a function listens to starts a run of it, or there is a reason why not."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fnmatch import fnmatchcase

from durameter.results.reconcile import Reconciliation, by_place, state_of
from durameter_collectors.inngest.runs import CountedRun
from durameter_collectors.inngest.wire.rows import WireEvents, WireFunction
from durameter_collectors.rulebook import load_rulebook

__all__ = ["DUPLICATE", "EARLY", "RERUN", "listens", "not_passed", "triggered"]

DUPLICATE = "duplicate_event"
"""Name of the difference: an event with the same id, given by its sender, as another one that started the run."""
EARLY = "before_registration"
"""Name of the difference: an event that came before the function was registered."""
RERUN = "rerun"
"""Name of the difference: a further run of a function for the same event."""

_KEPT_BACK = {
    "idempotency": "idempotent",
    "rateLimit": "rate_limited",
    "debounce": "debounced",
    "singleton": "singleton",
    "batchEvents": "batched",
    "expression": "filtered",
}
"""What a function declares, and the name of the difference that it makes: an event that started no run of it."""

_BLIND_SPOTS = (
    "why a function that declares a limit did not run for an event: that it declares one is the reason given",
    "cron, invocations and the server's own events are in no exchange",
)


def triggered(
    runs: Mapping[str, CountedRun],
    events: Sequence[WireEvents],
    functions: Mapping[str, WireFunction],
    apps: Iterable[str],
    own: Collection[str] = (),
    *,
    first: Mapping[str, datetime] | None = None,
) -> Reconciliation:
    """Compare, function by function, the events that passed with the runs that name them as their triggers.

    Args:
        runs: all runs of all tasks.
        events: what clients and apps sent during the measurement.
        functions: as their apps registered them, by id.
        apps: ids of the apps that were served here.
        own: ids of events that the server made by itself.
        first: when each function was first registered, for apps whose clients may have been quicker.
    """
    kind = load_rulebook("inngest").rule("run").kind
    prefixes = tuple(f"{app}-" for app in apps)
    mine = {name: function for name, function in functions.items() if prefixes and name.startswith(prefixes)}
    sent, problems = _sent(events)
    problems += [
        f"event {event}, which started run {run_id}, did not pass the tap: it is in no count of events. Clients must "
        "send to the session's address"
        for event, run_id in not_passed(runs, events, functions).items()
        if event not in own
    ]
    known = {event for event, _, _ in sent}
    times = {event: row.time for row in events for event in row.ids}
    twins: dict[str, set[str]] = defaultdict(set)
    for event, _, given in sent:
        if given:
            twins[given].add(event)
    started = Counter(
        (run.record.function.slug, event)
        for run in runs.values()
        for event in {*run.record.trigger_ids} & known
        if run.record.function.slug in mine
    )
    ours: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    theirs: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    reasons: dict[str, dict[str, dict[str, Decimal]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(Decimal)))
    for (function, _event), count in started.items():
        ours[function][kind] += count
        if count > 1:
            reasons[function][kind][RERUN] -= count - 1
    for event, name, given in sent:
        for listener in (each for each in mine.values() if listens(each, name)):
            theirs[listener.id][kind] += 1
            if (listener.id, event) not in started:
                # Which of several events with one id starts the run is a race (seen on 1.12.1 and 1.44.0).
                again = any((listener.id, twin) in started for twin in twins.get(given, ()))
                early = first is not None and listener.id in first and times[event] < first[listener.id]
                why = EARLY if early else DUPLICATE if again else _why(listener)
                if why:
                    reasons[listener.id][kind][why] += 1
    lines = by_place(ours, theirs, reasons)
    return Reconciliation(
        source="runs",
        other="events",
        state=state_of(lines, problems),
        lines=lines,
        notes=tuple(problems),
        blind_spots=_BLIND_SPOTS,
    )


def _sent(events: Sequence[WireEvents]) -> tuple[list[tuple[str, str, str]], list[str]]:
    """Id and name of each event, and the id that its sender gave it, if any; and what cannot be told."""
    found: list[tuple[str, str, str]] = []
    problems: list[str] = []
    for row in events:
        if not row.ids:
            continue  # the server took none
        if len(row.names) != len(row.ids):
            problems.append(f"exchange {row.call} sent {len(row.names)} events and the server took {len(row.ids)}")
            continue
        own = row.given or ("",) * len(row.ids)
        found += zip(row.ids, row.names, own, strict=True)
    return found, problems


def not_passed(
    runs: Mapping[str, CountedRun], events: Sequence[WireEvents], functions: Mapping[str, WireFunction]
) -> dict[str, str]:
    """Events of tasks that started a run and are in no exchange, each with that run; cron needs no event."""
    passed = {event for row in events for event in row.ids}
    return {
        event: run_id
        for run_id, run in runs.items()
        if run.member.way == "event" and run.record.function.slug in functions
        if functions[run.record.function.slug].events
        for event in sorted({*run.record.trigger_ids} - passed)
    }


def listens(function: WireFunction, event: str) -> bool:
    """Whether an event of this name triggers the function."""
    return any(fnmatchcase(event, pattern.replace("[", "[[]").replace("?", "[?]")) for pattern in function.events)


def _why(function: WireFunction) -> str:
    return " or ".join(_KEPT_BACK[limit] for limit in function.limits if limit in _KEPT_BACK)
