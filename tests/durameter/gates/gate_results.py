"""The stored results that gates are tried on: real ones, and changed copies of them.

`agreeing` (in tests/durameter/cli/results) and `retried` are of the same three conversations on both engines, with 10
and with 40 % of the model's replies rate limited: `durameter run --tasks 3 --seed 5 -o overlay.approvals=1
-o faults.rate_limited=0.4`. From their ledgers, on Temporal:

| task | agreeing | of them retry_activity | retried | of them retry_activity |
|---|---:|---:|---:|---:|
| conversation-0001 | 22 | 2 | 33 | 13 |
| conversation-0002 | 42 | 2 | 49 | 9 |
| conversation-0003 | 42 | 5 | 51 | 14 |

On Inngest retries are free by default, and billed in the upper reading.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import forked

AGREEING = Path(__file__).parent.parent / "cli" / "results" / "agreeing"
RETRIED = Path(__file__).with_name("results") / "retried"
DURAMETER = Path(sys.executable).with_name("durameter")


def changed(folder: Path, change: Callable[[dict[str, Any]], None], of: Path = AGREEING) -> Path:
    """A copy of a stored result whose measurement.json was changed."""
    shutil.copytree(of, folder)
    file = folder / "measurement.json"
    measurement = json.loads(file.read_text())
    change(measurement)
    file.write_text(json.dumps(measurement))
    return folder


def engine(measurement: dict[str, Any], name: str) -> dict[str, Any]:
    """One engine of it."""
    found: dict[str, Any] = next(each for each in measurement["engines"] if each["engine"] == name)
    return found


def call(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line in a terminal 120 columns wide."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DURAMETER_", "OTEL_"))}
    shown = {"COLUMNS": "120", "NO_COLOR": "1", "TERM": "dumb"}
    return forked.call(*words, cwd=cwd, env=kept | shown)
