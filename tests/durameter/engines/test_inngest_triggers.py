"""Runs against events: each function that listens to an event runs once for it, or has a named reason not to."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from durameter.engines.inngest.triggers import DUPLICATE, EARLY, RERUN, triggered
from durameter.results.reconcile import Reconciliation
from durameter_collectors.inngest.api.graphql import RunTrace
from durameter_collectors.inngest.api.links import Way
from durameter_collectors.inngest.descendants import Descendant
from durameter_collectors.inngest.merge_sources import RunCount
from durameter_collectors.inngest.runs import CountedRun
from durameter_collectors.inngest.wire.rows import WireEvents, WireFunction

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def functions(*declared: WireFunction) -> Mapping[str, WireFunction]:
    return {each.id: each for each in declared}


def listener(name: str = "app-fn", event: str = "x/asked", *limits: str) -> WireFunction:
    return WireFunction(id=name, events=(event,), limits=limits)


def events(*ids: str, name: str = "x/asked", given: Sequence[str] = ()) -> WireEvents:
    names = (name,) * len(ids)
    return WireEvents(call=1, time=NOW, names=names, ids=ids, given=tuple(given), status=200, request_bytes=1)


def runs(*of: tuple[str, ...], function: str = "app-fn", way: Way = "event") -> dict[str, CountedRun]:
    """A run per tuple of the events that triggered it."""
    found = {}
    for number, triggers in enumerate(of):
        about = {"id": f"run {number}", "status": "COMPLETED", "function": {"slug": function}}
        record = RunTrace.model_validate(about | {"triggerIDs": list(triggers)})
        found[record.id] = CountedRun(record, Descendant(record, way, "", "event"), RunCount([], []))
    return found


def parts(found: Reconciliation) -> dict[str, Decimal]:
    [line] = found.lines
    return line.corrections


def compared(started: dict[str, CountedRun], sent: Sequence[WireEvents], *declared: WireFunction) -> Reconciliation:
    return triggered(started, sent, functions(*declared), ["app"])


def test_one_run_for_each_event() -> None:
    found = compared(runs(("1",), ("2",)), [events("1", "2")], listener())
    assert (found.state, parts(found)) == ("agrees", {})
    assert [(line.ours, line.other) for line in found.lines] == [(2, 2)]


def test_an_event_that_came_before_its_function_was_registered() -> None:
    def told(first: datetime) -> Reconciliation:
        declared = functions(listener())
        return triggered(runs(("2",)), [events("1", "2")], declared, ["app"], first={"app-fn": first})

    assert (told(NOW + timedelta(seconds=1)).state, parts(told(NOW + timedelta(seconds=1)))) == (
        "agrees",
        {EARLY: 1},
    )
    assert told(NOW).state == "differs"


def test_an_event_that_started_nothing_is_unexplained() -> None:
    found = compared(runs(("1",)), [events("1", "2")], listener())
    assert found.state == "differs"
    assert [(line.unexplained, line.where) for line in found.lines] == [(1, ("app-fn",))]


def test_an_event_may_start_several_functions() -> None:
    """Two functions listen, one of them by a pattern; the third one does not."""
    started = runs(("1",)) | {"other": next(iter(runs(("1",), function="app-other").values()))}
    found = compared(started, [events("1")], listener(), listener("app-other", "x/*"), listener("app-deaf", "y"))
    assert (found.state, [(line.ours, line.other) for line in found.lines]) == ("agrees", [(2, 2)])


def test_a_batch_is_one_run_of_all_its_events() -> None:
    found = compared(runs(("1", "2", "3")), [events("1", "2", "3")], listener("app-fn", "x/asked", "batchEvents"))
    assert (found.state, parts(found)) == ("agrees", {})


@pytest.mark.parametrize(
    ("limit", "name"),
    [
        ("debounce", "debounced"),
        ("rateLimit", "rate_limited"),
        ("singleton", "singleton"),
        ("idempotency", "idempotent"),
        ("batchEvents", "batched"),
        ("expression", "filtered"),
    ],
)
def test_what_a_function_declares_is_the_reason(limit: str, name: str) -> None:
    found = compared(runs(("3",)), [events("1", "2", "3")], listener("app-fn", "x/asked", limit))
    assert (found.state, parts(found)) == ("agrees", {name: 2})


@pytest.mark.parametrize("started", ["1", "2"])
def test_the_same_id_given_twice_is_one_event(started: str) -> None:
    """Which of the two starts the run is a race in the server."""
    found = compared(runs((started,)), [events("1", given=["order-7"]), events("2", given=["order-7"])], listener())
    assert (found.state, parts(found)) == ("agrees", {DUPLICATE: 1})


def test_an_id_given_twice_does_not_excuse_that_nothing_started() -> None:
    found = compared({}, [events("1", given=["order-7"]), events("2", given=["order-7"])], listener())
    assert [line.unexplained for line in found.lines] == [2]


def test_two_events_without_an_id_are_no_duplicates() -> None:
    found = compared(runs(("1",)), [events("1", given=[""]), events("2", given=[""])], listener())
    assert found.state == "differs"


def test_a_further_run_for_the_same_event_is_a_rerun() -> None:
    found = compared(runs(("1",), ("1",)), [events("1")], listener())
    assert (found.state, parts(found)) == ("agrees", {RERUN: -1})


def test_events_of_the_servers_own_are_not_looked_for() -> None:
    """Invocations and failure handlers: no exchange has their events."""
    found = compared(runs(("inner",), way="invoke"), [], listener())
    assert (found.state, found.lines) == ("agrees", ())


def test_an_event_of_the_tasks_own_that_did_not_pass_is_a_problem() -> None:
    found = compared(runs(("beside",)), [], listener())
    assert found.state == "differs"
    assert "event beside, which started run run 0, did not pass the tap" in found.notes[0]


def test_what_the_server_did_not_take_was_no_event() -> None:
    refused = WireEvents(call=1, time=NOW, names=("x/asked",), ids=(), status=400, request_bytes=1)
    assert compared({}, [refused], listener()).state == "agrees"


def test_names_and_ids_that_do_not_fit_are_a_problem() -> None:
    odd = WireEvents(call=7, time=NOW, names=("x/asked",), ids=("1", "2"), status=200, request_bytes=1)
    found = compared({}, [odd], listener())
    assert found.state == "differs"
    assert found.notes == ("exchange 7 sent 1 events and the server took 2",)
