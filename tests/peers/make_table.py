"""Writes `docs/peers.md`: run it as a program, `python tests/peers/make_table.py [FILE]`."""

import asyncio
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # as pytest has it

from compare import REASONS
from measured import Row, failures_of, rows_of

from conformance_run import perform
from durameter.config import make_config
from durameter.engines.temporal.engine import TemporalEngine
from durameter_workloads.conformance.temporal.scenarios import SCENARIOS

PAGE = Path(__file__).parents[2] / "docs" / "peers.md"

HEAD = """\
# The same histories, counted by the vendor's UI

The web UI of Temporal Cloud estimates the Actions of a workflow from its event history. Durameter counts histories
too, and beside them the wire and what `describe` says. This page holds the two against each other: every scenario of
the conformance suite that the embedded server can run was run, and its histories were counted twice. *Meter* is what
the open-source server itself counted meanwhile, which is not the bill either ([how units are counted](counting.md)).

The UI's rule was written anew from its description, as an independent oracle, in `tests/peers/ui_rule.py`; it shares
no code with the collectors. It is a rule for one history, so a scenario is the sum over all of its runs. Each
difference has its reason by rule: `tests/peers/compare.py` computes from the histories how much a reason explains, and
a difference without one fails the tests. `make peers` writes this page; this one is of a run on Temporal Server
{version}. Where the two agree and the meter does not (patches, the schedules' own workflows, versioned workers), the
difference is the meter's, and `durameter conformance temporal` names it.
"""


def page(rows: Sequence[Row], version: str) -> str:
    """The whole page."""
    totals: Counter[str] = Counter()
    for row in rows:
        totals.update(row.comparison.reasons)
    used = [reason for reason in REASONS if any(reason in row.comparison.reasons for row in rows)]
    letters = {reason: _letter(index) for index, reason in enumerate(used)}
    same = sum(not row.comparison.difference for row in rows)
    lines = [HEAD.format(version=version)]
    lines += [f"Of {len(rows)} scenarios, {same} give the same number and {len(rows) - same} do not.", ""]
    lines += [
        "## Why they differ",
        "",
        "| | reason | scenarios | Actions more (or fewer) than the UI |",
        "|---|---|--:|--:|",
    ]
    for reason in used:
        times = sum(reason in row.comparison.reasons for row in rows)
        lines.append(f"| {letters[reason]} | {reason} | {times} | {totals[reason]:+d} |")
    lines += [
        "",
        "## Scenario by scenario",
        "",
        "| scenario | Durameter | UI | difference | meter |",
        "|---|--:|--:|---|--:|",
    ]
    lines += [_line(row, letters) for row in rows]
    return "\n".join(lines) + "\n"


def _letter(index: int) -> str:
    return chr(ord("a") + index)


def _line(row: Row, letters: dict[str, str]) -> str:
    found = row.comparison
    parts = [
        f"{actions:+d} {letters[reason]}"
        for reason, actions in sorted(found.reasons.items(), key=lambda e: letters[e[0]])
    ]
    return f"| {row.name} | {found.ours} | {found.ui} | {', '.join(parts)} | {row.meter} |"


def main(target: Path) -> int:
    """Write the page, or say what is wrong; returns how many scenarios that is."""
    run = perform()
    rows, broken = rows_of(run), failures_of(run)
    wrong = [row for row in rows if row.comparison.unexplained or row.comparison.ours != row.hand]
    for row in wrong:
        print(f"{row.name}: by hand {row.hand}, {row.comparison}")
    for name, error in broken.items():
        print(f"{name}: did not come to its end: {error}")
    if not wrong and not broken:
        target.write_text(page(rows, asyncio.run(version())))
        print(f"{target}: {len(rows)} scenarios; {len(SCENARIOS) - len(rows)} are not offered by this server")
    return len(wrong) + len(broken)


async def version() -> str:
    """Of the embedded server."""
    with tempfile.TemporaryDirectory() as folder:
        async with TemporalEngine().reached(make_config(), Path(folder), print) as reached:
            return reached.info.version


if __name__ == "__main__":
    failed = main(Path(sys.argv[1]) if len(sys.argv) > 1 else PAGE)
    sys.stdout.flush()
    os._exit(1 if failed else 0)  # temporalio/sdk-python issue 300
