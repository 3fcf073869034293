"""CPU of `durameter --version`, `--help` and `report RESULT`, over that of `python -c pass`.

Runs alternate, so that load meets all alike; medians of user and system seconds of the process. The result has ten
tasks on two engines, made from the one of the golden files; or it is the one that is named.
"""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from durameter import read_result
from durameter_collectors.ledger import write_ledger

RESULT = Path(__file__).parents[1] / "tests" / "durameter" / "cli" / "results" / "agreeing"
ROUNDS = 9
BARS = {"--version": 0.35, "--help": 0.35, "report": 1.2}
"""Seconds of CPU, on an idle machine of 2 cores."""


def cpu(*command: str) -> float:
    """Seconds that a process used."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def ten_tasks(folder: Path) -> str:
    """Write a result of ten tasks per engine: those of the golden one, again and again."""
    golden = read_result(RESULT)
    engines, rows = [], []
    for engine in golden.measurement.engines:
        tasks = [(engine.tasks[n % len(engine.tasks)], f"task-{n:02d}") for n in range(10)]
        engines.append(
            engine.model_copy(update={"tasks": tuple(old.model_copy(update={"task": name}) for old, name in tasks)})
        )
        rows += [
            row.model_copy(update={"task": name})
            for old, name in tasks
            for row in golden.ledger
            if (row.engine, row.task) == (engine.engine, old.task)
        ]
    made = golden.measurement.model_copy(update={"task_count": 10, "engines": tuple(engines)})
    (folder / "measurement.json").write_text(made.model_dump_json())
    write_ledger(rows, folder / "ledger.parquet")
    return str(folder)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        compare(sys.argv[1] if len(sys.argv) > 1 else ten_tasks(Path(folder)))


def compare(result: str) -> None:
    commands = {"pass": ("-c", "pass")}
    commands |= {name: ("-m", "durameter", name) for name in ("--version", "--help")}
    commands["report"] = ("-m", "durameter", "report", result)
    for command in commands.values():
        cpu(*command)  # the files are in the cache then, and compiled
    found: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            found[name].append(cpu(*command))
    nothing = median(found["pass"])
    print(f"{'':12}{'CPU s':>8}{'ratio':>8}{'bar s':>8}")
    for name, seconds in found.items():
        bar = f"{BARS[name]:8.2f}" if name in BARS else ""
        print(f"{name:12}{median(seconds):8.3f}{median(seconds) / nothing:8.1f}{bar}")


if __name__ == "__main__":
    main()
