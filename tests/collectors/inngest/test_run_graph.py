"""Which runs descend from which, without a server: one graph, whichever API told of the links."""

from datetime import UTC, datetime

import httpx
import pytest

from durameter_collectors.inngest.api.graphql import InngestApi, Run
from durameter_collectors.inngest.api.links import FUNCTION_INVOKED, INTERNAL_EVENTS, Link, Links, Origin, origin_of
from durameter_collectors.inngest.descendants import RunGraph

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def run(name: str, *events: str, event_name: str = "shop/order") -> Run:
    raw = {"id": name, "status": "COMPLETED", "triggerIDs": list(events), "eventName": event_name, "queuedAt": NOON}
    return Run.model_validate(raw)


def graph(*runs: Run) -> RunGraph:
    return RunGraph({each.id: each for each in runs})


def test_an_event_leads_to_every_run_that_it_started_and_to_none_outside() -> None:
    found = graph(run("A", "e1"), run("B", "e2"), run("C", "e2"), run("D", "e3"))
    found.link_all({"A": [Link("sent", event="e2", step="tell"), Link("sent", event="gone", step="tell")]})
    assert [each.id for each in found.roots()] == ["A", "D"]
    members = found.descendants([run("A", "e1")]).values()
    assert [(each.run.id, each.way, each.parent, each.step) for each in members] == [
        ("A", "event", "", ""), ("B", "sent", "A", "tell"), ("C", "sent", "A", "tell"),
    ]  # fmt: skip


def test_what_an_end_led_to_comes_last_and_runs_in_circles_are_there_once() -> None:
    found = graph(run("A", "e1"), run("handler", "e2"), run("B", "e3"))
    found.link("A", "handler", Link("ended", run="handler", event="e2"))
    found.link("A", "B", Link("invoke", run="B", step="ask"))
    found.link("B", "A", Link("sent", event="e1", step="again"))
    found.link("B", "B", Link("sent", event="e3", step="itself"))
    found.link("", "A", Link("event", event="e1"))
    assert [(each.run.id, each.way) for each in found.descendants().values()] == [
        ("A", "event"), ("B", "invoke"), ("handler", "ended"),
    ]  # fmt: skip


def test_a_root_whose_parent_is_elsewhere_still_says_how_it_came_to_be() -> None:
    found = graph(run("A", "e1"), run("B", "e2"))
    found.came_from("A", Origin("invoke", "earlier", "ask"))
    assert [each.id for each in found.roots()] == ["A", "B"]
    member = found.descendants(found.roots())["A"]
    assert (member.way, member.parent, member.step) == ("invoke", "earlier", "ask")
    assert found.parents("A") == ["earlier"]
    assert found.children("earlier") == ["A"]


def test_a_part_of_the_graph_knows_what_led_to_it_from_outside() -> None:
    found = graph(run("A", "e1"), run("B", "e2"))
    found.link_all({"A": [Link("deferred", run="B")]})
    part = found.only({"B"})
    assert [each.id for each in part.roots()] == ["B"]
    assert part.descendants(part.roots())["B"].parent == "A"


@pytest.mark.parametrize(
    ("event", "origin"),
    [
        ({"data": {"_inngest": {"correlation_id": "run.step"}}}, Origin("invoke", "run", "step")),
        ({"name": FUNCTION_INVOKED, "data": {"_inngest": {}}}, None),  # called by API or web page
        ({"name": INTERNAL_EVENTS[0], "data": {"run_id": "run"}}, Origin("ended", "run")),
        ({"name": "shop/order", "data": {"run_id": "the user's own"}}, None),
        ({"name": "shop/order"}, None),
    ],
)  # fmt: skip
def test_what_led_to_a_run_by_its_event(event: dict[str, object], origin: Origin | None) -> None:
    assert origin_of(event) == origin


@pytest.mark.parametrize(
    ("raw", "has"),
    [
        ('{"raw": "{\\"data\\": {\\"_inngest\\": {\\"correlation_id\\": \\"a.b\\"}}}"}', True),
        ('{"raw": "{\\"data\\": {}}"}', False),
        ('{"raw": "<html>"}', True),  # then nothing says that it was not
    ],
)
async def test_a_function_that_was_invoked_may_have_been_called_by_somebody(raw: str, has: bool) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, text=f'{{"data": {{"eventV2": {raw}}}}}'))
    async with httpx.AsyncClient(transport=transport) as http:
        links = Links(InngestApi(http, "http://server"))
        assert await links.has_origin(run("A", "e1", event_name=FUNCTION_INVOKED)) is has
        assert await links.has_origin(run("A", "e1", event_name=INTERNAL_EVENTS[0]))
        assert not await links.has_origin(run("A", "e1"))
