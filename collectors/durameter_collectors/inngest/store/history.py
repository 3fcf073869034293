"""Runs in the table `history` of a dev server's database (1.12.1; later servers still fill it).

A row's `group_id` names one piece of the server's queue: all attempts of one request, and what its reply led to. Rows
name most steps by id; a step that failed for good at once, and what the server does itself, stand only in the reply's
opcodes (`raw_output`).
Blind spots: steps that a checkpoint reports (servers that know them have `spans`).
"""

import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ulid import ULID

from durameter_collectors.inngest.opcodes import STEP_OPS
from durameter_collectors.inngest.store.records import StoredRun, StoredStep

__all__ = ["runs_in_history"]

_STEP_ID = re.compile(r"[0-9a-f]{40}")
_STEP_TYPES = {
    "StepCompleted": "step_run",
    "StepFailed": "step_run",
    "StepErrored": "step_run",
    "StepSleeping": "sleep",
    "StepWaiting": "wait_for_event",
    "StepInvoking": "invoke",
}
"""Types of rows (pkg/enums/history_type.go) that name a step, and the rule of each."""
_REPLIES = frozenset({"StepCompleted", "StepErrored", "StepFailed"})
_ENDS = {
    "FunctionCompleted": "COMPLETED",
    "FunctionFailed": "FAILED",
    "FunctionCancelled": "CANCELLED",
    "FunctionSkipped": "SKIPPED",
}


@dataclass(slots=True)
class _Group:
    """One piece of the queue."""

    planned: str = ""
    """Name of the step for which it was made, if for one."""
    attempts: set[int] = field(default_factory=set)
    """Numbers of the attempts that were begun: one SDK request each."""
    unanswered: set[int] = field(default_factory=set)
    """Those that ended without a reply."""
    steps: dict[str, StoredStep] = field(default_factory=dict)
    """By step id."""


def runs_in_history(store: sqlite3.Connection) -> Iterator[tuple[str, StoredRun]]:
    """Every run with its id.

    A step of which no row has the id (its every attempt became an error of the function) is known by its planning; its
    id here is then its group's.
    """
    slugs = dict(store.execute("SELECT id, slug FROM functions").fetchall())
    runs: dict[str, StoredRun] = {}
    groups: dict[str, dict[str, _Group]] = defaultdict(lambda: defaultdict(_Group))
    query = (
        "SELECT run_id, function_id, type, attempt, step_name, step_id, step_type, group_id, result "
        "FROM history ORDER BY rowid"
    )
    for raw, function, kind, attempt, name, step_id, step_type, group_id, result in store.execute(query):
        run_id = _ulid(raw)
        run = runs.setdefault(run_id, StoredRun(str(slugs.get(function, ""))))
        run.status = _ENDS.get(kind, run.status)
        group = groups[run_id][str(group_id)]
        if kind == "StepStarted":
            group.attempts.add(int(attempt))
        elif kind == "StepScheduled" and not attempt and name not in {None, "", "step"}:
            group.planned = str(name)
        elif kind == "StepErrored" and _result(result).get("response_headers") is None:
            group.unanswered.add(int(attempt))
        elif kind in _REPLIES and step_id == "step":
            for known_id, step in _reported(_result(result)):
                group.steps.setdefault(known_id, step)
        elif kind in _STEP_TYPES and step_id is not None and _STEP_ID.fullmatch(str(step_id)):
            rule = _STEP_TYPES[kind]
            if rule == "wait_for_event" and "signal" in str(step_type or "").lower():
                rule = "wait_for_signal"
            known = group.steps.setdefault(str(step_id), StoredStep(str(name or ""), rule))
            known.name = known.name or str(name or "")
    for run_id, run in runs.items():
        _put_together(run, groups[run_id])
        yield run_id, run


def _put_together(run: StoredRun, groups: dict[str, _Group]) -> None:
    for group_id, group in groups.items():
        run.requests += len(group.attempts)
        run.unanswered += len(group.unanswered)
        last = max(group.attempts, default=0)
        if group.planned and not group.steps and group.attempts - group.unanswered:
            group.steps[group_id] = StoredStep(group.planned, "step_run")
        for step_id, step in group.steps.items():
            known = run.steps.setdefault(step_id, step)
            known.attempts = max(known.attempts, 1 + last)
        if group.planned and not group.steps:
            run.planned[group_id] = group.planned
        elif not group.steps:
            run.function_retries += last


def _result(raw: object) -> dict[str, Any]:
    try:
        said = json.loads(str(raw or "{}"))
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _reported(said: dict[str, Any]) -> Iterator[tuple[str, StoredStep]]:
    """Steps in a reply with opcodes, which is kept as text; what a function returned is kept as the value it is."""
    raw = said.get("raw_output")
    if not isinstance(raw, str) or not raw.lstrip().startswith("["):
        return
    try:
        for each in json.loads(raw):
            rule = STEP_OPS.get(each["op"])
            if rule is not None:
                yield str(each["id"]), StoredStep(str(each.get("displayName") or each.get("name") or ""), rule)
    except (ValueError, KeyError, TypeError, AttributeError):
        return  # text that only looks like one


def _ulid(raw: object) -> str:
    """The usual form of an id that the database has as 16 bytes."""
    return str(ULID.from_bytes(raw) if isinstance(raw, bytes) else raw)
