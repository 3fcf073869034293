"""Keys, ids, windows and what is recorded of a command."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durameter.engines.discovery import WatchOptions
from durameter.engines.task_key import Root, group_of, group_roots, parse_key, safe_id
from durameter.engines.temporal.discover_tasks import list_query
from durameter.errors import UsageError
from durameter.registry import task_keys
from durameter.watcher.watch import WatchPlan


@given(st.text(), st.text())
def test_an_id_is_a_name_of_a_file_and_its_own(one: str, other: str) -> None:
    """Whatever a workflow id holds; two of them never share a folder of records."""
    safe = safe_id(one)
    assert safe
    assert len(safe) <= 100
    assert set(safe) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
    assert (safe == safe_id(other)) == (one == other)


def test_a_safe_id_is_kept() -> None:
    assert safe_id("order-7_a") == "order-7_a"
    assert safe_id("order/7").startswith("order-7-")
    assert safe_id("").startswith("task-")


def test_roots_are_grouped_by_the_key_and_by_what_they_share() -> None:
    found = group_roots(
        [
            Root(1, "a", "a 1", keys=("ann",)),
            Root(2, "b", "b 2", shared=("event",)),
            Root(3, "c", "c 3", keys=("bob", "ann")),
            Root(4, "d", "d 4", shared=("event", "other")),
            Root(5, "e", "e 5"),
        ]
    )
    assert [(each.roots, each.name, each.keys) for each in found] == [
        ((1, 3), "ann", ("ann", "bob")), ((2, 4), "b", ()), ((5,), "e", ()),
    ]  # fmt: skip


def test_tasks_of_one_name_have_ids_of_their_own() -> None:
    roots = [Root(1, "a", "a 1"), Root(2, "a", "a 2"), Root(3, "x", "x 3", keys=("a",)), Root(4, "b", "b 4")]
    ids = [each.id for each in group_roots(roots)]
    assert ids == [safe_id("a 1"), safe_id("a 2"), safe_id("key:a"), "b"]


def test_a_pattern_gives_its_first_group_or_all_it_matches() -> None:
    assert group_of(r"^(order-\d+)/", "order-7/goods") == "order-7"
    assert group_of(r"order-\d+", "an order-7") == "order-7"
    assert group_of(r"^(?:a(\d)|b(\d))", "b2") == "2"
    assert group_of(r"^order-\d+", "invoice-7") is None


def test_a_key_is_of_its_engine() -> None:
    assert str(parse_key("memo:a:b", task_keys(), "temporal")) == "memo:a:b"
    assert parse_key("event:data.user", task_keys(), "inngest").value == "data.user"
    with pytest.raises(UsageError, match=r"For inngest: event:data\.conversation_id"):
        parse_key("id:x", task_keys(), "inngest")


def test_a_window_and_a_query_go_together() -> None:
    since, until = datetime(2026, 9, 1, 8, tzinfo=UTC), datetime(2026, 9, 2, tzinfo=UTC)
    assert list_query(since, until, "WorkflowType = 'A' OR WorkflowType = 'B'") == (
        "StartTime >= '2026-09-01T08:00:00+00:00' AND StartTime <= '2026-09-02T00:00:00+00:00' "
        "AND (WorkflowType = 'A' OR WorkflowType = 'B')"
    )
    assert list_query(None, None, "WorkflowType = 'A'") == "WorkflowType = 'A'"
    assert list_query(None, None, "") == ""


def test_what_is_recorded_of_a_command_has_no_secrets() -> None:
    words = ("env", "OPENAI_API_KEY=sk-1", "python", "agent.py", "--api-key", "sk-2", "--token=sk-3", "--tasks", "5")
    plan = WatchPlan("temporal", "Action", "watch/agent", words, WatchOptions(), Path("unused"))
    assert plan.about()["command"] == [
        *("env", "OPENAI_API_KEY=…", "python", "agent.py", "--api-key", "…", "--token=…", "--tasks", "5")
    ]
