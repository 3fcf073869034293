"""Check a result against budgets. Nothing passes because it was not looked at: what cannot be judged is no pass."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, computed_field

from durameter.budgets import Budget
from durameter.cost.billing.month import month_of
from durameter.cost.capacity import demand
from durameter.cost.prices.books import Pricing
from durameter.cost.statistics import mean_interval
from durameter.errors import UsageError
from durameter.gates.figures import Figures, figures_of
from durameter.registry import engine_names, rulebook_of
from durameter.results.folder import Result
from durameter.results.model import Door, EngineResult
from durameter.results.trust import cautions, distrust
from durameter.times import parse_volume

__all__ = [
    "Checked",
    "Limit",
    "Worst",
    "check",
]

# What came of holding a result against budgets: the record that every format shows.


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class Worst(_View):
    """A task with many units."""

    task: str
    units: Decimal


class Limit(_View):
    """One limit of one budget, on one engine."""

    budget: str
    engine: str
    variant: str
    what: str
    """What is limited, in words: `start_timer per task`."""
    unit: str
    """`Action`, `execution` or `dollar`."""
    reading: Literal["documented", "upper"]
    limit: Decimal
    found: Decimal | None
    """None when it cannot be said."""
    state: Literal["kept", "broken", "unknown"]
    note: str = ""
    """Why it is unknown, or what the figure is of."""
    worst: tuple[Worst, ...] = ()
    """Where a limit of every task is broken: the tasks with most units, the worst first."""

    @computed_field  # type: ignore[prop-decorator]  # pydantic's own documented form; mypy has no rule for it
    @property
    def over(self) -> Decimal | None:
        """How far above the limit it is; negative when it is below."""
        return None if self.found is None else self.found - self.limit


class Checked(_View):
    """A result, checked against budgets."""

    schema_version: Literal[1] = 1
    measurement: str
    folder: str
    door: Door
    workload: str
    limits: tuple[Limit, ...]
    untrusted: tuple[str, ...]
    """Why the count cannot be trusted, or a limit cannot be judged; then no budget is kept."""
    not_applied: tuple[str, ...]
    """Budgets that are of something else, and why."""
    cautions: tuple[str, ...]

    @computed_field  # type: ignore[prop-decorator]  # as above
    @property
    def verdict(self) -> Literal["kept", "broken", "untrusted"]:
        """`untrusted` goes before `broken`: it may be neither."""
        if self.untrusted:
            return "untrusted"
        return "broken" if any(each.state == "broken" for each in self.limits) else "kept"

    @property
    def exit_code(self) -> int:
        """0 when all is kept, 99 when a budget is broken, 4 when that cannot be said."""
        return {"kept": 0, "broken": 99, "untrusted": 4}[self.verdict]


_WORST = 5


def check(
    result: Result,
    budgets: Mapping[str, Budget],
    *,
    volume: str,
    pricing: Pricing,
    only: Sequence[str] = (),
    folder: str = "",
) -> Checked:
    """Check a result against budgets.

    Args:
        result: the measurement with its ledger.
        budgets: by name.
        volume: tasks per month, for budgets that name none.
        pricing: price books.
        only: names of budgets; each of them must apply. By default all that are of this workload.
        folder: how to show the folder; its path by default.

    Raises:
        UsageError: there is no budget, none applies, or one names what does not exist.
        ResultError: the files of the result do not belong together.
    """
    chosen, not_applied = _chosen(result.measurement.workload, budgets, only)
    untrusted: list[str] = []
    said: list[str] = []
    limits: list[Limit] = []
    for name, budget in chosen.items():
        engines = [each for each in result.measurement.engines if _is_for(budget, each)]
        if not engines:
            wanted = f"{budget.engine or 'any engine'}" + (f" ({budget.variant})" if budget.variant else "")
            has = ", ".join(f"{each.engine} ({each.variant})" for each in result.measurement.engines) or "no engine"
            untrusted.append(f"budget {name} is for {wanted}, and the result has {has}")
        for engine in engines:
            problems = distrust(result.measurement, engine, failed_tasks=budget.failed_tasks)
            untrusted += problems
            said += cautions(engine)
            if engine.state == "missing":
                continue
            figures = figures_of(result, engine)
            if budget.type:
                figures = figures.only([task for task in figures.tasks if task.type == budget.type])
            if figures.tasks:
                judge = _Judge(name, budget, figures, volume, pricing)
                limits += judge.limits()
                said += judge.cautions
            elif not problems:  # else it was said why there are none
                untrusted.append(f"budget {name}: {engine.engine} has no task of type {budget.type} that completed")
    untrusted += [f"budget {each.budget}, {each.engine}: {each.note}" for each in limits if each.state == "unknown"]
    return Checked(
        measurement=result.measurement.id,
        folder=folder or str(result.folder),
        door=result.measurement.door,
        workload=result.measurement.workload,
        limits=tuple(limits),
        untrusted=tuple(dict.fromkeys(untrusted)),
        not_applied=tuple(not_applied),
        cautions=tuple(dict.fromkeys(said)),
    )


def _chosen(workload: str, budgets: Mapping[str, Budget], only: Sequence[str]) -> tuple[dict[str, Budget], list[str]]:
    """Budgets of this workload, and what the others are of."""
    if not budgets:
        raise UsageError(
            "There are no budgets. Add one to durameter.toml, such as [budgets.agent] with units_per_task = 40; "
            "docs/ci.md has all keys."
        )
    for name in only:
        if name not in budgets:
            raise UsageError(f"There is no budget {name!r}. The configuration has: {', '.join(budgets)}.")
    for name, budget in budgets.items():
        if budget.engine and budget.engine not in engine_names():
            raise UsageError(
                f"Budget {name}: there is no engine {budget.engine!r}. Installed: {', '.join(engine_names())}."
            )
    asked = {name: budgets[name] for name in only or budgets}
    fits = {name: each for name, each in asked.items() if each.workload in ("", workload, workload.partition("/")[2])}
    others = [f"budget {name} is of workload {each.workload}" for name, each in asked.items() if name not in fits]
    if not fits or (only and others):
        raise UsageError(f"No budget was checked: the result is of {workload}, and {'; '.join(others)}.")
    return fits, others


def _is_for(budget: Budget, engine: EngineResult) -> bool:
    return budget.engine in ("", engine.engine) and budget.variant in ("", engine.variant)


class _Judge:
    """One budget on one engine."""

    def __init__(self, name: str, budget: Budget, figures: Figures, volume: str, pricing: Pricing) -> None:
        self._name = name
        self._budget = budget
        self._figures = figures
        self._volume = parse_volume(budget.volume or volume)
        self._pricing = pricing
        self.cautions: list[str] = []
        """What the judged figures leave out."""

    def limits(self) -> list[Limit]:
        """Every limit of the budget, judged."""
        budget = self._budget
        found = []
        if budget.units_per_task is not None:
            found.append(self._mean("units per task", budget.units_per_task, self._units()))
        if budget.units_per_task_max is not None:
            found.append(self._most("units of every task", budget.units_per_task_max, self._units()))
        found += self._kinds()
        found += self._causes()
        if budget.dollars_per_month is not None:
            found.append(self._dollars(budget.dollars_per_month))
        return found

    def _kinds(self) -> Iterator[Limit]:
        known = {rule.kind for rule in rulebook_of(self._figures.engine.engine).rules}
        for kind in (*self._budget.kinds, *self._budget.kinds_max):
            if kind not in known:
                raise UsageError(
                    f"Budget {self._name}: {self._figures.engine.engine} bills no kind {kind!r}. "
                    f"Its kinds: {', '.join(sorted(known))}."
                )
        for several, judge, words in (
            (self._budget.kinds, self._mean, "per task"),
            (self._budget.kinds_max, self._most, "of every task"),
        ):
            for kind, limit in several.items():
                if kind not in self._figures.kinds and self._unseen(kind):
                    note = f"none of {kind} was counted, and these sources cannot show it"
                    yield self._limit(f"{kind} {words}", limit, None, note=note)
                else:
                    yield judge(f"{kind} {words}", limit, self._units(kind=kind))

    def _unseen(self, kind: str) -> bool:
        return any(what.partition(":")[0] == kind for what in self._figures.engine.unseen)

    def _causes(self) -> Iterator[Limit]:
        known = self._figures.causes
        for several, judge, words in (
            (self._budget.causes, self._mean, "per task"),
            (self._budget.causes_max, self._most, "of every task"),
        ):
            for cause, limit in several.items():
                what = f"{cause} {words}"
                if cause not in known and limit:  # a name that was changed must not pass for zero
                    note = f"nothing made by {cause!r} was counted; what was: {', '.join(known) or 'nothing'}"
                    yield self._limit(what, limit, None, note=note)
                else:
                    yield judge(what, limit, self._units(cause=cause))

    def _units(self, *, kind: str | None = None, cause: str | None = None) -> dict[str, Decimal]:
        return self._figures.per_task(kind=kind, cause=cause, reading=self._budget.reading)

    def _mean(self, what: str, limit: Decimal, units: Mapping[str, Decimal]) -> Limit:
        found, note = self._bound(units)
        return self._limit(what, limit, found, note=note)

    def _bound(self, units: Mapping[str, Decimal]) -> tuple[Decimal | None, str]:
        """The mean, or the upper end of its interval, and what must be said of it."""
        values = list(units.values())
        of = f"mean of {len(values)} task{'s' if len(values) > 1 else ''}"
        if self._budget.bound == "mean":
            return sum(values, Decimal(0)) / len(values), of
        interval = mean_interval(values, self._figures.clusters)
        if interval.high is None:
            return None, f'bound = "interval", and there is no interval: {interval.why_not}. Measure more tasks'
        if interval.exact:
            return values[0], f"{of}, which all have the same"
        return Decimal(str(interval.high)), f"upper end of the {interval.level * 100:g} % interval of the {of}"

    def _most(self, what: str, limit: Decimal, units: Mapping[str, Decimal]) -> Limit:
        ranked = sorted(units.items(), key=lambda pair: (-pair[1], pair[0]))
        over = [Worst(task=task, units=found) for task, found in ranked if found > limit]
        note = f"{len(over)} of {len(units)} tasks have more" if over else f"the most of {len(units)} tasks"
        return self._limit(what, limit, ranked[0][1], note=note, worst=tuple(over[:_WORST]))

    def _dollars(self, limit: Decimal) -> Limit:
        what = f"dollars per month at {self._volume:,f} tasks"
        units, note = self._bound(self._units())
        if units is None:
            return self._limit(what, limit, None, note=note, unit="dollar")
        engine = self._figures.engine
        day = (engine.started or datetime.now(UTC)).date()
        found = demand(engine.model_copy(update={"tasks": self._figures.tasks}), self._volume)
        month = month_of(found, units, day, self._pricing, plan=self._budget.plan)
        self.cautions += [f"{engine.engine}, {month.plan} may charge more: {each}" for each in month.omitted]
        if month.dollars is None:
            return self._limit(what, limit, None, note=f"not priced: {month.why_not_priced}", unit="dollar")
        return self._limit(what, limit, month.dollars, note=f"{month.plan} ({month.price_book}), {note}", unit="dollar")

    def _limit(
        self,
        what: str,
        limit: Decimal,
        found: Decimal | None,
        *,
        note: str,
        unit: str = "",
        worst: tuple[Worst, ...] = (),
    ) -> Limit:
        engine = self._figures.engine
        return Limit(
            budget=self._name,
            engine=engine.engine,
            variant=engine.variant,
            what=what + (f" ({self._budget.type})" if self._budget.type else ""),
            unit=unit or engine.unit,
            reading=self._budget.reading,
            limit=limit,
            found=found,
            state="unknown" if found is None else "kept" if found <= limit else "broken",
            note=note,
            worst=worst,
        )
