"""A result, and what can be asked of it: a report, gates, a profile, a month, tables. No server is needed.

Nothing here imports an engine's SDK.
"""

import html
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durameter.config import Config, load_config
from durameter.cost.prices.books import Pricing
from durameter.errors import UsageError
from durameter.formatting import count as _counted
from durameter.formatting import plain
from durameter.registry import rulebook_of
from durameter.results import folder
from durameter.results.answers import Answers, reread
from durameter.results.model import EngineResult, TaskResult
from durameter.times import parse_volume
from durameter_collectors.ledger import ledger_frame

if TYPE_CHECKING:  # what is heavy is imported by the verb that needs it
    import polars as pl

    from durameter.budgets import Budget
    from durameter.cost.projection import Projection
    from durameter.gates.check import Checked
    from durameter.gates.comparable import Allowed
    from durameter.gates.diff import Diff, Refused
    from durameter.report.measurement import Report
    from durameter.report.profile import Profiles

__all__ = ["AnyPath", "Number", "Result", "settings_of", "to_markdown", "with_verbs"]

AnyPath = str | os.PathLike[str]
Number = Decimal | int | float | str

_TASK_COLUMNS = (
    "engine",
    "variant",
    "task",
    "type",
    "cluster",
    "state",
    "error",
    "counted",
    "units_lower",
    "units",
    "units_upper",
    "gaps",
    "started",
    "seconds",
)


@dataclass(frozen=True, repr=False)
class Result(folder.Result):
    """A measurement and its ledger, with what can be asked of them.

    Those that speak of dollars take `config` (a configuration, the path of its file, or by default `durameter.toml` in
    the working folder), `volume` in tasks a month (`"1M/month"`, `"5000/day"`, or a number; as configured by default),
    `prices` (a price file or folder of your own), `books` (ids of price books) and `on` (the books in force on this
    day; by default on the day of the measurement).
    """

    def __repr__(self) -> str:
        """In one line."""
        found = self.measurement
        return f"<Result {found.workload}, {found.state}, {len(self.ledger)} rows, {self.folder}>"

    def report(
        self,
        volume: Number | None = None,
        *,
        prices: AnyPath | None = None,
        books: Sequence[str] = (),
        on: date | None = None,
        config: Config | AnyPath | None = None,
    ) -> "Report":
        """The figures of a report: units per task, by kind and cause, a month's bill, and whether to believe them.

        Raises:
            UsageError: the configuration, the volume, or a price file or book is wrong.
        """
        from durameter.report import build_report

        settings = settings_of(config)
        pricing = _pricing(settings, prices, books, on)
        if pricing.asked:
            from durameter.cost.projection.pricing import check_books

            check_books(pricing.asked, [each.engine for each in self.measurement.engines], pricing.books)
        return build_report(self, volume=_volume(volume, settings), pricing=pricing)

    def check(
        self,
        budget: "Budget | str | Sequence[str] | None" = None,
        *,
        volume: Number | None = None,
        prices: AnyPath | None = None,
        books: Sequence[str] = (),
        on: date | None = None,
        config: Config | AnyPath | None = None,
    ) -> "Checked":
        """Check this against budgets; `exit_code` of what comes back is 0 where all are kept.

        Args:
            budget: a budget, or names of the configuration's; by default all of those that are of this workload.
            volume: tasks a month, for budgets that name none.
            prices: see the class.
            books: see the class.
            on: see the class.
            config: see the class.

        Raises:
            UsageError: there is no such budget, none applies, or one names what does not exist.
            ResultError: the files of the result do not belong together.
        """
        from durameter.budgets import Budget
        from durameter.gates.check import check

        settings = settings_of(config)
        given = {"budget": budget} if isinstance(budget, Budget) else settings.budgets
        only = () if budget is None or isinstance(budget, Budget) else (budget,) if isinstance(budget, str) else budget
        return check(
            self,
            given,
            volume=_volume_text(volume, settings),
            pricing=_pricing(settings, prices, books, on),
            only=tuple(only),
        )

    def diff(
        self,
        other: folder.Result,
        *,
        engines: Sequence[str] = (),
        allow: "Sequence[Allowed]" = (),
        volume: Number | None = None,
        prices: AnyPath | None = None,
        books: Sequence[str] = (),
        on: date | None = None,
        config: Config | AnyPath | None = None,
    ) -> "Diff | Refused":
        """What `other`, the result after, has more than this one, the result before.

        Args:
            other: the result after.
            engines: only these; by default all that both have.
            allow: what differs on purpose: `options`, `variant`, `tasks`.
            volume: see the class, and so are the others.
            prices: see the class.
            books: see the class.
            on: see the class.
            config: see the class.

        Returns:
            The differences; `Refused`, with reasons, where the two cannot be compared or a count cannot be trusted.

        Raises:
            UsageError: an argument is wrong.
            ResultError: the files of a result do not belong together.
        """
        from durameter.gates.diff import diff

        settings = settings_of(config)
        pricing = _pricing(settings, prices, books, on)
        volume_ = _volume(volume, settings)
        return diff(self, other, volume=volume_, pricing=pricing, engines=tuple(engines), allowed=allow)

    def profile(self, engines: Sequence[str] = ()) -> "Profiles":
        """What a task costs as a function of its shape, per engine and kind of unit.

        Args:
            engines: only these; by default all.

        Raises:
            UsageError: the result has no such engine, or too little to fit anything.
        """
        from durameter.report.profile import build_profiles

        return build_profiles(self, engines=engines)

    def project(
        self,
        volume: Number | None = None,
        *,
        mix: str = "measured",
        growth: str | None = None,
        months: int | None = None,
        scenarios: Sequence[str] = (),
        plans: Sequence[str] = (),
        against: Sequence[folder.Result] = (),
        day_shape: str = "flat",
        retention_days: Number = 30,
        open_hours: Number | None = None,
        step_seconds: Number | None = None,
        draws: int = 10_000,
        seed: int = 0,
        prices: AnyPath | None = None,
        books: Sequence[str] = (),
        on: date | None = None,
        config: Config | AnyPath | None = None,
    ) -> "Projection":
        """A month's bill at your volume and mix: units and dollars per engine and plan, and how sure they are.

        Args:
            volume: see the class.
            mix: of the month's tasks: `measured`, `cases`, `repeat`, or a CSV file.
            growth: of the volume, such as `5%/month` or `3%..8%/month`.
            months: how many; 12 with growth, else 1.
            scenarios: measured bad days, `NAME` or `NAME=1%`.
            plans: `PLAN` or `ENGINE.PLAN`; all by default.
            against: other results of the same tasks.
            day_shape: `flat`, `office`, or a CSV file of weights.
            retention_days: for which closed runs are kept.
            open_hours: for how long a task is open in production; as measured by default.
            step_seconds: for how long a task has steps at work in production; as measured by default.
            draws: of the Monte Carlo simulation.
            seed: the same seed gives the same figures.
            prices: see the class.
            books: see the class.
            on: see the class.
            config: see the class.

        Raises:
            UsageError: an argument is wrong, or there is nothing to project.
        """
        from durameter.cost.capacity import day_shape as parse_day_shape
        from durameter.cost.projection import Ask, parse_growth, project

        settings = settings_of(config)
        pricing = _pricing(settings, prices, books, on)
        ask = Ask(
            volume=_volume(volume, settings),
            mix=mix,
            growth=parse_growth(growth) if growth else (Decimal(0), Decimal(0)),
            months=months if months is not None else 12 if growth else 1,
            scenarios=tuple(scenarios),
            plans=tuple(plans),
            books=pricing.asked,
            on=pricing.on,
            against=tuple(against),
            day_shape=parse_day_shape(day_shape),
            retention_days=_number(retention_days, "--retention-days"),
            open_hours=None if open_hours is None else _number(open_hours, "--open-hours"),
            step_seconds=None if step_seconds is None else _number(step_seconds, "--step-seconds"),
            draws=draws,
            seed=seed,
        )
        return project(self, ask, pricing.books)

    def answered(self, answers: Answers) -> "Result":
        """The same measurement with open questions of the billing rules answered otherwise.

        Args:
            answers: engine → question → `billed` or `free`.

        Raises:
            UsageError: an engine's rulebook has no such question.
        """
        return with_verbs(reread(self, answers, rulebook_of))

    def write_page(
        self,
        path: AnyPath,
        volume: Number | None = None,
        *,
        projection: "Projection | None" = None,
        prices: AnyPath | None = None,
        books: Sequence[str] = (),
        on: date | None = None,
        config: Config | AnyPath | None = None,
    ) -> None:
        """Write the report as one self-contained HTML page, with plots.

        Args:
            path: of the file; replaced if it is there.
            volume: see the class.
            projection: the month, where it is another than the report's own.
            prices: see the class.
            books: see the class.
            on: see the class.
            config: see the class.

        Raises:
            UsageError: the page cannot be written there, or another argument is wrong.
        """
        from durameter.report.render_html import check_writable, write_whole_page

        check_writable(Path(path))
        settings = settings_of(config)
        report = self.report(volume, prices=prices, books=books, on=on, config=settings)
        write_whole_page(Path(path), self, report, _pricing(settings, prices, books, on), projection)

    def units(self) -> "pl.DataFrame":
        """The ledger: one row per billable unit, with the columns of `ledger.parquet`; `quantity` is a decimal."""
        return ledger_frame(self.ledger)

    def tasks(self) -> "pl.DataFrame":
        """One row per task and engine: state, units in each reading, gaps, seconds, and a column per covariate.

        A covariate that has the name of another column is `covariate_NAME`; it is null where a task has none.
        """
        import polars as pl

        each = [(engine, task) for engine in self.measurement.engines for task in engine.tasks]
        covariates = dict.fromkeys(name for _, task in each for name in task.covariates)
        units = pl.Decimal(38, 6)
        schema: dict[str, Any] = dict.fromkeys(_TASK_COLUMNS, pl.String())
        schema |= {"counted": pl.Boolean(), "gaps": pl.Int64(), "seconds": pl.Float64()}
        schema |= {"units_lower": units, "units": units, "units_upper": units, "started": pl.Datetime("us", "UTC")}
        schema |= {f"covariate_{name}" if name in _TASK_COLUMNS else name: pl.Float64() for name in covariates}
        rows = [(*_task_row(engine, task), *map(task.covariates.get, covariates)) for engine, task in each]
        return pl.DataFrame(rows, schema=schema, orient="row")

    def _repr_html_(self) -> str:
        """A short table, for notebooks; every text in it is escaped."""
        found = self.measurement
        head = "".join(f"<th>{name}</th>" for name in ("engine", "variant", "state", "tasks", "units per task"))
        rows = "".join(
            f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in _engine_row(engine))}</tr>"
            for engine in found.engines
        )
        caption = html.escape(f"{found.workload}, {found.state}: {self.folder}")
        return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _task_row(engine: EngineResult, task: TaskResult) -> tuple[object, ...]:
    seconds = (task.ended - task.started).total_seconds()
    text = (engine.engine, engine.variant, task.task, task.type, task.cluster, task.state, task.error, task.counted)
    return *text, task.units_lower, task.units, task.units_upper, len(task.gaps), task.started, seconds


def _engine_row(engine: EngineResult) -> tuple[str, ...]:
    sample = engine.sample
    per_task = "none"
    if sample:
        low = sum((task.units for task in sample), Decimal(0)) / len(sample)
        high = sum((task.units_upper for task in sample), Decimal(0)) / len(sample)
        per_task = _counted(low) if low == high else f"{_counted(low)} (up to {_counted(high)})"
        per_task += f" {engine.unit}s"
    state = f"{engine.state}: {engine.problem}" if engine.problem else engine.state
    return engine.engine, engine.variant, state, plain(Decimal(len(engine.tasks))), per_task


def with_verbs(found: folder.Result) -> Result:
    """The same result, with the verbs."""
    return Result(found.folder, found.measurement, found.ledger)


def to_markdown(found: "Report | Checked | Diff | Refused | Profiles | Projection") -> str:
    """What a verb of `Result` came to, as Markdown.

    Raises:
        TypeError: it is something else.
    """
    from durameter.report.render_markdown import markdown

    return markdown(_document(found))


def _document(found: object) -> Any:
    from durameter.gates.check import Checked
    from durameter.gates.diff import Diff, Refused
    from durameter.report.check import check_document
    from durameter.report.diff import diff_document
    from durameter.report.measurement import Report
    from durameter.report.measurement_document import report_document

    if isinstance(found, Report):
        return report_document(found)
    if isinstance(found, Checked):
        return check_document(found)
    if isinstance(found, Diff | Refused):
        return diff_document(found)
    from durameter.cost.projection import Projection
    from durameter.report.profile import Profiles, profiles_document
    from durameter.report.projection import projection_document

    if isinstance(found, Profiles):
        return profiles_document(found)
    if isinstance(found, Projection):
        return projection_document(found)
    raise TypeError(f"{type(found).__name__} is nothing that a result says.")


def settings_of(config: Config | AnyPath | None) -> Config:
    """A configuration as it was given, or read from its file.

    Raises:
        UsageError: the file is wrong.
    """
    return config if isinstance(config, Config) else load_config(None if config is None else Path(config))


def _pricing(settings: Config, prices: AnyPath | None, books: Sequence[str], on: date | None) -> Pricing:
    from durameter.cost.prices import load_books

    own = settings.prices if prices is None else Path(prices)
    return Pricing(books=load_books(own), asked=tuple(books), on=on)


def _volume(volume: Number | None, settings: Config) -> Decimal:
    return parse_volume(_volume_text(volume, settings))


def _volume_text(volume: Number | None, settings: Config) -> str:
    if volume is None or isinstance(volume, str):
        return volume or settings.run.volume
    return f"{Decimal(str(volume)):f}"


def _number(given: Number, option: str) -> Decimal:
    """An exact number.

    Raises:
        UsageError: it is none.
    """
    try:
        return Decimal(str(given))
    except InvalidOperation as error:
        raise UsageError(f"{option} {str(given)!r} is not a number.") from error
