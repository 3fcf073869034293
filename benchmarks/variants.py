"""What every variant of the reference agent costs on Temporal, beside the default: a Markdown table.

    .venv/bin/python benchmarks/variants.py [tasks]

The same tasks (10 of seed 0), each variant in a measurement of its own; a month is 100 000 tasks. A model call takes
2 s (median), since the longer a reply takes, the more often it is polled; all else is by default. Streams are sent at
once: their batches go by the streams' own clock. Exits with 1 when a variant's sources do not agree or a task did not
complete.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from durameter import Implementation, TemporalSession, Workload
from durameter.config import Config, TemporalConfig
from durameter.engines.temporal import TemporalEngine
from durameter.measure.result import EngineResult, TaskResult
from durameter.measure.run import Plan, Subject, measure
from durameter.prices import load_books
from durameter.registry import load_workload
from durameter.report import build_report
from durameter.report.numbers import dollars, plain
from durameter.report.view import EngineReport
from durameter.telemetry import open_telemetry

TASKS, SEED, AT_ONCE, MONTH = 10, 0, 10, Decimal(100_000)
OPTIONS = {"latency_ms": 2000, "variants": {"stream_pace": 0}}


class Progress:
    """Says on stderr how it goes."""

    def note(self, line: str) -> None:
        print(line, file=sys.stderr)

    def begin(self, engine: str, variant: str, tasks: int) -> None:
        print(f"{engine}, {variant}: {tasks} tasks", file=sys.stderr)

    def task(self, engine: str, result: TaskResult) -> None: ...
    def end(self, result: EngineResult) -> None: ...


async def measured(
    implementation: Implementation[TemporalSession], workload: Workload, count: int, config: Config
) -> EngineReport:
    """One variant's report; exits when it is doubtful."""
    options = workload.parse_options(OPTIONS)
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan(
            workload="durameter/support_agent",
            options=options.model_dump(mode="json"),
            tasks=workload.tasks(count, SEED, options),
            subjects=[Subject(TemporalEngine(), implementation)],
            concurrency=AT_ONCE,
            timeout=600,
            seed=SEED,
            folder=Path(folder) / "result",
        )
        result = await measure(plan, config, Progress(), open_telemetry("none"))
        [report] = build_report(result, volume=MONTH, books=load_books()).engines
    proofs = [each for engine in result.measurement.engines for each in engine.reconciliations]
    if not proofs or {each.state for each in proofs} != {"agrees"} or set(report.task_states) != {"completed"}:
        print(
            f"{report.variant}: {report.task_states}, {[(each.state, each.notes) for each in proofs]}", file=sys.stderr
        )
        leave(1)
    return report


def table(reports: Sequence[EngineReport]) -> str:
    """Actions per task by kind, one column per variant, the default first."""
    kinds = sorted({share.name for report in reports for share in report.kinds})
    rows = [["Actions per task", *(f"`{report.variant}`" for report in reports)]]
    rows.append(["---", *("---:" for _ in reports)])
    for kind in kinds:
        means = [sum((s.documented.mean for s in report.kinds if s.name == kind), Decimal(0)) for report in reports]
        rows.append([f"`{kind}`", *(plain(mean.quantize(Decimal("0.1"))) if mean else "" for mean in means)])
    totals = [report.per_task.mean for report in reports if report.per_task]
    months = [report.month.dollars if report.month else None for report in reports]
    rows.append(["**all**", *(f"**{total:.1f}**" for total in totals)])
    rows.append(["ratio to the default", *(f"{total / totals[0]:.2f}" for total in totals)])
    rows.append([f"dollars a month at {MONTH:,f} tasks", *(dollars(month) for month in months)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


async def main(count: int) -> None:
    _, workload = load_workload("durameter/support_agent")
    variants = [i for i in workload.implementations(workload.parse_options(OPTIONS)) if i.engine == "temporal"]
    with tempfile.TemporaryDirectory() as folder:
        server = await TemporalEngine().start(Config(), Path(folder), Progress().note)
        try:
            address, metrics = server.info.address, server.settings["DURAMETER_TEMPORAL_METRICS_URL"]
            config = Config(temporal=TemporalConfig(address=address, metrics_url=metrics))
            reports = [await measured(each, workload, count, config) for each in variants]
        finally:
            await server.process.stop()
    print(table(reports))
    [month] = {(r.month.price_book, r.month.prices_checked, r.month.plan) for r in reports[:1] if r.month}
    print(f"\n{count} tasks of seed {SEED}; prices: {month[0]}, checked {month[1]}, the cheapest plan with a price.")


def leave(status: int) -> None:
    """Without the interpreter's finalization, in which a process with the SDK's threads may die."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else TASKS))
leave(0)
