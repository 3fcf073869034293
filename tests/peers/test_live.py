"""Scenarios of the conformance suite on a real server, counted by Durameter and by the UI's rule."""

import re
from pathlib import Path

import pytest
from compare import APPLIED_AGAIN, CRON, LATE_SIGNAL, NEVER_STARTED, NOT_IN_HISTORIES, OPEN_ATTEMPTS
from make_table import PAGE
from measured import failures_of, rows_of

from conformance_run import conformance_run
from durameter_workloads.conformance.temporal import SCENARIOS

# What Durameter counts more than the UI, derived by hand from both rules; every reason that a server can show is here.
DIFFERENCES = {
    "child tree": {},
    "signal from a workflow": {},
    "two patches": {},
    "queries": {NOT_IN_HISTORIES["query"]: 2},
    "heartbeats": {NOT_IN_HISTORIES["heartbeat"]: 1},
    "rejected updates": {NOT_IN_HISTORIES["update_rejected"]: 2},
    # The workflow task is renewed at 4 s and at 8 s.
    "local activity over two workflow-task heartbeats": {NOT_IN_HISTORIES["workflow_task_heartbeat"]: 2},
    # Created, deleted.
    "schedule looked at": {NOT_IN_HISTORIES["schedule_operations"]: 2},
    "memo": {NOT_IN_HISTORIES["memo_upsert"]: 1},
    "delayed start, then a signal": {LATE_SIGNAL: 1},
    "child never started": {NEVER_STARTED: 1},
    "reset in the middle": {APPLIED_AGAIN: -1},
    "cron": {CRON: -1},
    "cancelled with an activity in back-off": {OPEN_ATTEMPTS: 2},
}


@pytest.mark.servers(last=True)
@pytest.mark.timeout(1200)  # for the whole suite, where nobody else has run it
def test_every_difference_on_a_real_server_has_its_reason(run_folder: Path) -> None:
    run = conformance_run(run_folder)
    rows = rows_of(run)
    assert failures_of(run) == {}
    assert {row.name: dict(row.comparison.reasons) for row in rows if row.name in DIFFERENCES} == DIFFERENCES
    for row in rows:
        assert row.comparison.unexplained == {}, row
        assert row.comparison.ours == row.hand, row


def test_the_page_has_the_scenarios_of_the_suite() -> None:
    """Else `make peers` is to be run again."""
    shown = set(re.findall(r"^\| ([^|]+?) \| \d+ \| \d+ \|", PAGE.read_text(), flags=re.MULTILINE))
    assert shown <= {scenario.name for scenario in SCENARIOS}
    # What no embedded server lacks is there.
    assert {scenario.name for scenario in SCENARIOS if not scenario.needs} <= shown
