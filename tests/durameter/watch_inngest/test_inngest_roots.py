"""Which runs are one task, from what a server lists, without a server."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from durameter.engines.inngest.root_tasks import tasks_of
from durameter.engines.inngest.watch.apps import target_of
from durameter.engines.inngest.watch.options import value_at
from durameter_collectors.inngest.api.graphql import Run
from durameter_collectors.inngest.api.links import Link
from durameter_collectors.inngest.descendants import RunGraph

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def run(name: str, *events: str, slug: str = "shop-order", status: str = "COMPLETED", after: int = 0) -> Run:
    begun = NOON + timedelta(seconds=after)
    ended = begun + timedelta(seconds=1) if status == "COMPLETED" else None
    return Run.model_validate(
        {
            "id": name,
            "status": status,
            "function": {"slug": slug},
            "triggerIDs": list(events),
            "eventName": "shop/order",
        }
        | {"queuedAt": begun, "startedAt": begun, "endedAt": ended}
    )


def graph(*runs: Run, **children: set[str]) -> RunGraph:
    found = RunGraph({each.id: each for each in runs})
    found.link_all({parent: [Link("invoke", run=child) for child in some] for parent, some in children.items()})
    return found


def test_one_event_that_starts_several_functions_is_one_task() -> None:
    (task,) = tasks_of(graph(run("A", "e1"), run("B", "e1", slug="shop-mail")), {}, {})
    assert (task.id, task.roots, task.shape["functions"]) == ("e1", ("e1",), ["shop-mail", "shop-order"])


def test_the_events_of_a_batch_are_one_task() -> None:
    (task,) = tasks_of(graph(run("A", "e1", "e2", "e3")), {}, {})
    assert task.roots == ("e1", "e2", "e3")


def test_what_a_run_led_to_is_no_root_and_lengthens_its_task() -> None:
    (task,) = tasks_of(graph(run("A", "e1"), run("B", "e2", after=5), A={"B"}), {}, {})
    assert task.roots == ("e1",)
    assert (task.started, task.ended) == (NOON, NOON + timedelta(seconds=6))


def test_a_task_is_interrupted_by_a_descendant_that_has_not_ended() -> None:
    (task,) = tasks_of(graph(run("A", "e1"), run("B", "e2", status="RUNNING"), A={"B"}), {}, {})
    assert (task.state, task.running) == ("interrupted", True)
    assert "1 of its runs" in task.error


def test_a_failed_child_is_its_parents_matter() -> None:
    (task,) = tasks_of(graph(run("A", "e1"), run("B", "e2", status="FAILED"), A={"B"}), {}, {})
    assert task.state == "completed"


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
def test_a_root_that_did_not_complete(status: str) -> None:
    (task,) = tasks_of(graph(run("A", "e1", status=status)), {}, {})
    assert task.state == "failed"
    assert status in task.error


def test_a_key_puts_roots_together_and_takes_events_that_started_nothing() -> None:
    found = tasks_of(
        graph(run("A", "e1"), run("B", "e2", after=1), run("C", "e3", after=2)),
        {"e1": "ann@x", "e2": "bob", "e3": "ann@x"},
        {"ann@x": ["e9"]},
    )
    assert [(task.roots, task.shape["id"]) for task in found] == [(("e1", "e3", "e9"), "ann@x"), (("e2",), "bob")]
    assert found[0].id.startswith("ann-x-"), "it names a file"


def test_roots_without_the_key_stay_tasks_of_their_own() -> None:
    assert len(tasks_of(graph(run("A", "e1"), run("B", "e2"), run("C", "e3")), {"e1": "ann"}, {})) == 3


def test_a_task_that_has_just_ended_may_still_lead_to_more() -> None:
    now = datetime.now(UTC)
    after = int((now - NOON).total_seconds()) - 1
    assert tasks_of(graph(run("A", "e1", after=after)), {}, {}, rest=timedelta(minutes=1))[0].running
    assert not tasks_of(graph(run("A", "e1")), {}, {}, rest=timedelta(0))[0].running


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("data.id", "7"),
        ("data.deep.er", "x"),
        ("name", "n"),
        ("data.deep", None),
        ("data.no", None),
        ("data.id.no", None),
    ],
)
def test_a_field_of_an_event(path: str, value: str | None) -> None:
    assert value_at({"name": "n", "data": {"id": 7, "deep": {"er": "x"}}}, path) == value


def test_addresses_that_can_be_connected_to() -> None:
    assert target_of(httpx.URL("http://shop.test:3000/api/inngest")) == "shop.test:3000"
    assert target_of(httpx.URL("http://shop.test/api/inngest")) == "shop.test:80"
    assert target_of(httpx.URL("http://localhost:9/api/inngest")) == "127.0.0.1:9", "when neither answers"
