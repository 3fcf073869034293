"""`durameter watch` as a process of its own, and what its folder says."""

import json
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from filelock import FileLock

from durameter.results.folder import Result, read_result
from durameter.results.model import EngineResult, TaskResult
from running import DURAMETER, environment


@dataclass(frozen=True)
class Watch:
    """A finished watch."""

    status: int
    output: str
    errors: str
    folder: Path

    @property
    def result(self) -> Result:
        return read_result(self.folder)

    @property
    def engine(self) -> EngineResult:
        return self.result.measurement.engines[0]

    @property
    def by_root(self) -> dict[str, TaskResult]:
        """Tasks by their only root."""
        return {task.roots[0]: task for task in self.engine.tasks}


def kinds(task: TaskResult) -> dict[str, Decimal]:
    """What a task costs by kind; the upper reading adds nothing in these tests."""
    assert not any(kind.upper or kind.open for kind in task.kinds.values())
    return {name: kind.documented for name, kind in task.kinds.items() if kind.documented}


def watch(
    tmp_path: Path, *words: str, command: Sequence[str] = (), cwd: Path | None = None, seconds: float = 240, **env: str
) -> Watch:
    """Run it to its end; the report is JSON."""
    folder = tmp_path / f"result{len(list(tmp_path.glob('result*')))}"
    argv = [DURAMETER, "watch", "--json", "--out", str(folder), *words, *(["--", *command] if command else [])]
    done = subprocess.run(
        argv,
        check=False,
        cwd=cwd or tmp_path,
        env=environment(tmp_path / "state") | env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    return Watch(done.returncode, done.stdout, done.stderr, folder)


def finalized(attempt: Callable[[], Watch]) -> Watch:
    """A watch of a Python program that ends as Python programs do, which may die in the interpreter's finalization.

    That is temporalio/sdk-python issue 300, and a failure of the command, as the watch says; the program is run again.
    """
    for _ in range(4):
        done = attempt()
        if "ended by signal 6" not in done.errors:
            break
    return done


def agreed(done: Watch) -> None:
    """All sources agree, nothing is missing, and standard output is the report alone."""
    assert done.status == 0, done.errors
    assert json.loads(done.output)
    assert done.engine.state == "measured"
    states = {(each.source, each.other): each.state for each in done.engine.reconciliations}
    assert Counter(states.values()) == {"agrees": 4}, states
    assert not done.engine.unseen
    assert not [gap for task in done.engine.tasks for gap in task.gaps]
    assert {task.state for task in done.engine.tasks} == {"completed"}


@contextmanager
def the_usual_ports() -> Iterator[None]:
    """Nobody else in this suite uses 7233 meanwhile."""
    with FileLock(Path(tempfile.gettempdir()) / "durameter-usual-ports.lock", timeout=600):
        yield
