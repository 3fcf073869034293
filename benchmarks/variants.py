"""What every variant of the reference agent costs beside its engine's default: one Markdown table per engine.

    .venv/bin/python benchmarks/variants.py [temporal] [inngest] [--tasks N]

The same tasks (10 of seed 0) on both engines, each variant in a measurement of its own; a month is 100 000 tasks. On
Temporal a model call takes 2 s (median), since the longer a reply takes, the more often it is polled; nothing is polled
on Inngest. All else is by default. Streams are sent at once: their batches go by the streams' own clock. Exits with 1
when a variant's sources do not agree or a task did not complete.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from durameter import Implementation, Workload
from durameter.config import Config, make_config
from durameter.cost.prices import load_books
from durameter.cost.prices.books import Pricing
from durameter.engines.base import Engine, RunningServer
from durameter.engines.inngest.config import InngestConfig
from durameter.engines.temporal.config import TemporalConfig
from durameter.formatting import count, dollars
from durameter.registry import load_engine, load_workload
from durameter.report import build_report
from durameter.report.measurement import EngineReport, Month
from durameter.results.model import EngineResult, TaskResult
from durameter.runner.run import Plan, Subject, measure
from durameter.telemetry import open_telemetry

TASKS, SEED, AT_ONCE, MONTH = 10, 0, 10, Decimal(100_000)
LATENCY_MS = {"temporal": 2000, "inngest": 50}
MEASURES = {"sdk_requests": "SDK requests", "events": "events", "bytes": "kB between server and app"}
"""What is shown beside units, where the engine measures it. Bytes are shown in kB."""


class Progress:
    """Says on stderr how it goes."""

    def note(self, line: str) -> None:
        print(line, file=sys.stderr)

    def begin(self, engine: str, variant: str, tasks: int) -> None:
        print(f"{engine}, {variant}: {tasks} tasks", file=sys.stderr)

    def task(self, engine: str, result: TaskResult) -> None: ...
    def end(self, result: EngineResult) -> None: ...


async def measured(
    engine: Engine, implementation: Implementation[Any], workload: Workload, tasks: int, config: Config
) -> EngineReport:
    """One variant's report; exits when it is doubtful."""
    options = workload.parse_options(options_of(engine.name))
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan(
            workload="durameter/support_agent",
            options=options.model_dump(mode="json"),
            tasks=workload.tasks(tasks, SEED, options),
            subjects=[Subject(engine, implementation)],
            concurrency=AT_ONCE,
            timeout=600,
            seed=SEED,
            folder=Path(folder) / "result",
        )
        result = await measure(plan, config, Progress(), open_telemetry("none"))
        [report] = build_report(result, volume=MONTH, pricing=Pricing(books=load_books())).engines
    if not report.proved or set(report.task_states) != {"completed"}:
        proofs = [(found.source, found.other, found.state, found.notes) for found in report.reconciliations]
        print(f"{report.variant}: {report.task_states}, {report.troubles}, {proofs}", file=sys.stderr)
        leave(1)
    return report


def options_of(engine: str) -> dict[str, Any]:
    """What is not by default."""
    return {"latency_ms": LATENCY_MS[engine], "variants": {"stream_pace": 0}}


def table(engine: Engine, reports: Sequence[EngineReport]) -> str:
    """Units per task by kind, one column per variant, the default first."""
    rows = [[f"{engine.unit.capitalize()}s per task", *(f"`{report.variant}`" for report in reports)]]
    rows.append(["---", *("---:" for _ in reports)])
    for kind in sorted({share.name for report in reports for share in report.kinds if share.documented.mean}):
        means = [sum((s.documented.mean for s in report.kinds if s.name == kind), Decimal(0)) for report in reports]
        rows.append([f"`{kind}`", *(count(mean) if mean else "" for mean in means)])
    is_open = any(report.month_upper for report in reports)
    totals = [report.per_task.mean for report in reports if report.per_task]
    rows += reading(", documented" if is_open else "", totals, [report.month for report in reports])
    if is_open:
        totals = [report.per_task_upper.mean for report in reports if report.per_task_upper]
        rows += reading(", upper", totals, [report.month_upper or report.month for report in reports])
    for name, words in MEASURES.items():
        if all(name in report.measures for report in reports):
            scale = 1000 if name.endswith("bytes") else 1
            rows.append([words, *(count(report.measures[name] / scale) for report in reports)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def reading(name: str, totals: Sequence[Decimal], months: Sequence[Month | None]) -> Iterable[list[str]]:
    """What all kinds come to by one reading of the rules."""
    yield [f"**all{name}**", *(f"**{total:.1f}**" for total in totals)]
    yield ["ratio to the default", *(f"{total / totals[0]:.2f}" for total in totals)]
    yield [f"dollars a month{name}", *(dollars(month.dollars if month else None) for month in months)]


def config_of(engine: str, server: RunningServer) -> Config:
    """A configuration that uses this server."""
    if engine == "inngest":
        store = Path(server.settings["DURAMETER_INNGEST_STORE"])
        return make_config(inngest=InngestConfig(address=server.info.address, store=store))
    metrics = server.settings["DURAMETER_TEMPORAL_METRICS_URL"]
    return make_config(temporal=TemporalConfig(address=server.info.address, metrics_url=metrics))


async def main(engines: Sequence[str], tasks: int) -> None:
    _, workload = load_workload("durameter/support_agent")
    for name in engines:
        engine = load_engine(name).engine()
        implementations = workload.implementations(workload.parse_options(options_of(name)))
        with tempfile.TemporaryDirectory() as folder:
            server = await engine.start(make_config(), Path(folder), Progress().note)
            try:
                config = config_of(name, server)
                reports = [
                    await measured(engine, each, workload, tasks, config)
                    for each in implementations
                    if each.engine == name
                ]
            finally:
                await server.process.stop()
        print(table(engine, reports))
        month = reports[0].month
        if month is not None:
            prices = f"{month.price_book}, checked {month.prices_checked}"
            print(f"\n{tasks} tasks of seed {SEED}; {MONTH:,f} a month; prices: {prices}, the cheapest plan.\n")


def leave(status: int) -> None:
    """Without the interpreter's finalization, in which a process with the SDK's threads may die."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engines", nargs="*", choices=[*LATENCY_MS, []], help="both by default")
    parser.add_argument("--tasks", type=int, default=TASKS)
    arguments = parser.parse_args()
    asyncio.run(main(arguments.engines or list(LATENCY_MS), arguments.tasks))
    leave(0)
