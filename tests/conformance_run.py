"""One run of Temporal's conformance suite, for all tests that ask its outcomes, its ledger or its histories.

`python conformance_run.py FILE [NAME…]` is the run: it writes what came of it to FILE.
"""

import asyncio
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from durameter.config import make_config
from durameter.conformance import Outcome
from durameter.engines.base import TaskCount
from durameter_workloads.conformance.temporal import suite
from durameter_workloads.conformance.temporal.scenario import Scenario
from running import environment

__all__ = ["ConformanceRun", "conformance_run", "perform"]

AT_ONCE = 8
_SECONDS = 900
"""For a hang: on an idle machine it is done in one minute and a half."""


@dataclass
class ConformanceRun:
    """What came of each scenario."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    counts: dict[str, TaskCount] = field(default_factory=dict)
    """With the histories, of each scenario that was carried out."""

    def progress(self, line: str) -> None:
        print(line, flush=True)

    def finished(self, outcome: Outcome, round_number: int) -> None:
        print(round_number, outcome.name, outcome.state, outcome.why, outcome.wrong, flush=True)
        self.outcomes[outcome.name] = outcome

    def counted(self, scenario: Scenario, count: TaskCount) -> None:
        self.counts[scenario.name] = count


def conformance_run(folder: Path, only: Sequence[str] = ()) -> ConformanceRun:
    """Run these scenarios, or all; whoever asks first does it, and others of the same test run wait for that.

    Args:
        folder: what all processes of the test run share.
        only: names of scenarios.
    """
    file = folder / f"conformance-{'-'.join(sorted(only))[:80] or 'all'}.pickle"
    with FileLock(file.with_suffix(".lock"), timeout=_SECONDS):
        if not file.exists():
            log = file.with_suffix(".log")
            words = [sys.executable, __file__, str(file), *only]
            with log.open("wb") as out:
                subprocess.run(
                    words, stdout=out, stderr=out, timeout=_SECONDS, check=False, env=environment(folder / "no state")
                )
            assert file.exists(), log.read_text()
    found: ConformanceRun = pickle.loads(file.read_bytes())  # noqa: S301 - our own
    return found


def perform(only: Sequence[str] = ()) -> ConformanceRun:
    """Run these scenarios, or all, here and now, on servers of the suite's own."""
    done = ConformanceRun()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(
            suite.run(make_config(), Path(folder), only=only, at_once=AT_ONCE, observer=done, counted=done.counted)
        )
    return done


if __name__ == "__main__":
    from conformance_run import perform as perform_  # pickled by the name that others know

    target = Path(sys.argv[1])
    part = target.with_suffix(".part")
    part.write_bytes(pickle.dumps(perform_(sys.argv[2:])))
    part.replace(target)
    sys.stdout.flush()
    os._exit(0)  # temporalio/sdk-python issue 300
