"""Compare two results: what head has more than base, by kind and cause, per task and per month."""

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, computed_field

from durameter.cost.billing.month import month_of
from durameter.cost.capacity import demand
from durameter.cost.prices.books import Pricing
from durameter.cost.statistics.differences import Sureness, of_pairs, of_two
from durameter.errors import ResultError, UsageError
from durameter.gates.comparable import Allowed, changed_options, in_common, other_surroundings, reasons_against
from durameter.gates.figures import Figures, figures_of
from durameter.results.folder import Result
from durameter.results.model import Door, EngineResult
from durameter.results.trust import cautions, distrust
from durameter_collectors.units import Reading

__all__ = ["Bill", "Change", "Diff", "EngineDiff", "Refused", "Side", "diff"]

# The difference of two results: the record that every format shows.


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class Change(_View):
    """Units per task before and after: of all kinds and causes, or of one."""

    kind: str = ""
    """Empty for all kinds."""
    cause: str = ""
    """Empty for all causes."""
    base: Decimal
    """Mean units per task."""
    head: Decimal
    sureness: Sureness
    per_month: Decimal
    """Difference in units a month, at the volume."""

    @computed_field  # type: ignore[prop-decorator]  # pydantic's own documented form; mypy has no rule for it
    @property
    def difference(self) -> Decimal:
        """Units per task that head has more; negative: fewer."""
        return self.head - self.base


class Bill(_View):
    """One side's month, on the cheapest plan that fits."""

    units: Decimal
    price_book: str = ""
    plan: str = ""
    """Its name; empty when there is no price."""
    dollars: Decimal | None = None
    """Units, storage, events and add-ons as far as they are known."""
    why_not: str = ""
    """Why there is no price."""
    omitted: tuple[str, ...] = ()
    """What the plan may charge and `dollars` does not have, with why."""


class EngineDiff(_View):
    """One engine."""

    engine: str
    unit: str
    base_variant: str
    head_variant: str
    paired: bool
    """Whether each task is compared with itself; else the means of different tasks are."""
    base_tasks: int
    """Tasks that the figures are of."""
    head_tasks: int
    clusters: int
    """Independent groups of tasks in base."""
    left_out: tuple[str, ...]
    """Tasks that are in no figure, and why."""
    total: Change
    upper: Change | None
    """With every open question answered against the user; None when no open question touches either side."""
    kinds: tuple[Change, ...]
    """The largest difference first; those without one last."""
    causes: tuple[Change, ...]
    contributors: tuple[Change, ...]
    """By kind and cause together. Their differences add up to that of `total`."""
    base_month: Bill
    head_month: Bill
    base_month_upper: Bill | None
    head_month_upper: Bill | None

    @computed_field  # type: ignore[prop-decorator]  # as above
    @property
    def dollars(self) -> Decimal | None:
        """Dollars a month that head costs more; None when either side has no price."""
        return minus(self.head_month, self.base_month)

    @computed_field  # type: ignore[prop-decorator]  # as above
    @property
    def dollars_upper(self) -> Decimal | None:
        """`dollars`, with every open question answered against the user."""
        return minus(self.head_month_upper, self.base_month_upper)


def minus(head: Bill | None, base: Bill | None) -> Decimal | None:
    """The difference of two months, if both have a price."""
    if head is None or base is None or head.dollars is None or base.dollars is None:
        return None
    return head.dollars - base.dollars


class Side(_View):
    """One of the two results."""

    measurement: str
    folder: str
    started: AwareDatetime
    durameter_version: str


class Diff(_View):
    """Two results, compared."""

    schema_version: Literal[1] = 1
    comparable: Literal[True] = True
    base: Side
    head: Side
    workload: str
    door: Door
    volume: Decimal
    """Tasks per month."""
    allowed: tuple[str, ...]
    """What is different on purpose, in words."""
    engines: tuple[EngineDiff, ...]
    cautions: tuple[str, ...]


class Refused(_View):
    """Two results that cannot be compared."""

    schema_version: Literal[1] = 1
    comparable: Literal[False] = False
    base: str
    head: str
    untrusted: bool
    """Whether the reason is that a count cannot be trusted."""
    reasons: tuple[str, ...]


_Pair = tuple[EngineResult, EngineResult]
_SIDES = ("base", "head")


def diff(
    base: Result,
    head: Result,
    *,
    volume: Decimal,
    pricing: Pricing,
    engines: Sequence[str] = (),
    allowed: Collection[Allowed] = (),
) -> Diff | Refused:
    """Compare two results.

    Both are priced by the books in force on the day of head, so that only the program makes a difference.

    Args:
        base: before.
        head: after.
        volume: tasks per month.
        pricing: price books.
        engines: only these; by default all, which must be on both sides.
        allowed: what may differ on purpose.

    Returns:
        The difference; or why there is none to be had, when the two cannot be compared.

    Raises:
        UsageError: an engine was asked for that neither has.
        ResultError: the files of a result do not belong together.
    """
    pairs, reasons = _pairs(base, head, engines)
    reasons += reasons_against(base.measurement, head.measurement, pairs, allowed)
    if reasons:
        return Refused(base=str(base.folder), head=str(head.folder), untrusted=False, reasons=tuple(reasons))
    unproved = [
        f"{side}: {problem}"
        for side, result, index in (("base", base, 0), ("head", head, 1))
        for pair in pairs
        for problem in distrust(result.measurement, pair[index], failed_tasks=None)
    ]
    if unproved:
        reasons = list(dict.fromkeys(unproved))
        return Refused(base=str(base.folder), head=str(head.folder), untrusted=True, reasons=tuple(reasons))
    compared: list[EngineDiff] = []
    for one, other in pairs:
        comparison = _Comparison(base, one, head, other, volume, pricing)
        if comparison.why_not:
            reasons.append(comparison.why_not)
        else:
            compared.append(comparison.compared())
    if reasons:
        return Refused(base=str(base.folder), head=str(head.folder), untrusted=False, reasons=tuple(reasons))
    said = [
        f"{side}, {line}" for pair in pairs for side, each in zip(_SIDES, pair, strict=True) for line in cautions(each)
    ]
    return Diff(
        base=_side(base),
        head=_side(head),
        workload=base.measurement.workload,
        door=base.measurement.door,
        volume=volume,
        allowed=_differs_on_purpose(base, head, pairs),
        engines=tuple(compared),
        cautions=(*other_surroundings(base.measurement, head.measurement, pairs), *said),
    )


def _side(result: Result) -> Side:
    measurement = result.measurement
    return Side(
        measurement=measurement.id,
        folder=str(result.folder),
        started=measurement.started,
        durameter_version=measurement.durameter_version,
    )


def _pairs(base: Result, head: Result, engines: Sequence[str]) -> tuple[list[_Pair], list[str]]:
    """Each engine with itself, and those that only one side has."""
    ours = {each.engine: each for each in base.measurement.engines}
    theirs = {each.engine: each for each in head.measurement.engines}
    for name in engines:
        if name not in ours and name not in theirs:
            raise UsageError(f"Neither result has engine {name!r}. They have: {', '.join({**ours, **theirs})}.")
    names = [name for name in dict.fromkeys([*ours, *theirs]) if not engines or name in engines]
    if not names:
        return [], ["neither has an engine"]
    lonely = [
        f"{name} is in {'base' if name in ours else 'head'} only: measure it on both, or choose with --engine"
        for name in names
        if name not in ours or name not in theirs
    ]
    return [(ours[name], theirs[name]) for name in names if name in ours and name in theirs], lonely


def _differs_on_purpose(base: Result, head: Result, pairs: Sequence[_Pair]) -> tuple[str, ...]:
    """Only what was allowed can be here."""
    said = [f"option {each}" for each in changed_options(base.measurement.options, head.measurement.options)]
    said += [f"{a.engine} variant {b.variant} instead of {a.variant}" for a, b in pairs if a.variant != b.variant]
    if base.measurement.door == "run" and base.measurement.seed != head.measurement.seed:
        said.append(f"seed {head.measurement.seed} instead of {base.measurement.seed}")
    return tuple(said)


class _Comparison:
    """One engine on both sides."""

    def __init__(
        self, base: Result, one: EngineResult, head: Result, other: EngineResult, volume: Decimal, pricing: Pricing
    ) -> None:
        self._volume = volume
        self._pricing = pricing
        self._day: date = (other.started or datetime.now(UTC)).date()
        self.why_not = ""
        self._left_out: list[str] = []
        ours, theirs = figures_of(base, one), figures_of(head, other)
        pairs = in_common(one, other)
        same = len(pairs) == len(one.tasks) == len(other.tasks)
        self.paired = bool(pairs) if base.measurement.door == "run" else same
        if self.paired:
            self._note_others(one, other, {a.task for a, _ in pairs})
            done = {t.task for t in ours.tasks} & {t.task for t in theirs.tasks}
            self._left_out += [
                f"{a.task}: {a.state.replace('_', ' ')} in base, {b.state.replace('_', ' ')} in head"
                for a, b in pairs
                if a.task not in done
            ]
            self.base = ours.only([a for a, _ in pairs if a.task in done])
            self.head = theirs.only([b for _, b in pairs if b.task in done])
        else:
            self.base, self.head = ours, theirs
            self._note_failed(ours, theirs)
            self._check_types(one)
        if not self.base.tasks or not self.head.tasks:
            self.why_not = self.why_not or f"{one.engine}: no task completed on both sides"

    def _note_others(self, one: EngineResult, other: EngineResult, common: Collection[str]) -> None:
        for side, engine in (("base", one), ("head", other)):
            rest = [task.task for task in engine.tasks if task.task not in common]
            if rest:
                self._left_out.append(
                    f"{len(rest)} of {len(engine.tasks)} tasks of {side} are not in the other: {', '.join(rest[:3])}"
                    + (" …" if len(rest) > 3 else "")
                )

    def _note_failed(self, ours: Figures, theirs: Figures) -> None:
        for side, figures in (("base", ours), ("head", theirs)):
            done = {task.task for task in figures.tasks}
            self._left_out += [
                f"{task.task}: {task.state.replace('_', ' ')} in {side}"
                for task in figures.engine.tasks
                if task.task not in done
            ]

    def _check_types(self, one: EngineResult) -> None:
        """Means over other kinds of tasks differ though no task costs more."""
        ours, theirs = _shares(self.base), _shares(self.head)
        if not ours.keys() & theirs.keys():
            self.why_not = (
                f"{one.engine}: no type of task is on both sides (base {', '.join(ours) or 'none'}; head "
                f"{', '.join(theirs) or 'none'})"
            )
        elif ours != theirs:
            self._left_out.append(
                f"the mix of types is another one, which moves the mean by itself: base {_words(ours)}; "
                f"head {_words(theirs)}"
            )

    def compared(self) -> EngineDiff:
        """The record."""
        upper = self._change(reading="upper")
        documented = self._change()
        opened = (upper.base, upper.head) != (documented.base, documented.head)
        kinds = {*self.base.kinds, *self.head.kinds}
        causes = {*self.base.causes, *self.head.causes}
        both = {(unit.kind, unit.cause) for unit in (*self.base.units, *self.head.units)}
        engine = EngineDiff(
            engine=self.base.engine.engine,
            unit=self.base.engine.unit,
            base_variant=self.base.engine.variant,
            head_variant=self.head.engine.variant,
            paired=self.paired,
            base_tasks=len(self.base.tasks),
            head_tasks=len(self.head.tasks),
            clusters=len({task.cluster or f"task {task.task}" for task in self.base.tasks}),
            left_out=tuple(self._left_out),
            total=documented,
            upper=upper if opened else None,
            kinds=_ranked([self._change(kind=kind) for kind in kinds]),
            causes=_ranked([self._change(cause=cause) for cause in causes]),
            contributors=_ranked([self._change(kind=kind, cause=cause) for kind, cause in both]),
            base_month=self._month(self.base, documented.base),
            head_month=self._month(self.head, documented.head),
            base_month_upper=self._month(self.base, upper.base) if opened else None,
            head_month_upper=self._month(self.head, upper.head) if opened else None,
        )
        # Means are quotients, so that their last of 28 digits may be off.
        rest = engine.total.difference - sum((each.difference for each in engine.contributors), Decimal(0))
        if abs(rest) > Decimal("1e-9"):
            raise ResultError(f"{engine.engine}: parts of the difference do not add up to it, {rest} is left.")
        return engine

    def _change(self, *, kind: str | None = None, cause: str | None = None, reading: Reading = "documented") -> Change:
        before = self.base.per_task(kind=kind, cause=cause, reading=reading)
        after = self.head.per_task(kind=kind, cause=cause, reading=reading)
        base, head = _mean(before), _mean(after)
        return Change(
            kind=kind or "",
            cause=cause or "",
            base=base,
            head=head,
            sureness=self._sureness(before, after),
            per_month=((head - base) * self._volume).quantize(Decimal(1)),
        )

    def _sureness(self, before: dict[str, Decimal], after: dict[str, Decimal]) -> Sureness:
        if self.paired:
            return of_pairs([after[task] - before[task] for task in before], self.base.clusters)
        return of_two(list(before.values()), self.base.clusters, list(after.values()), self.head.clusters)

    def _month(self, figures: Figures, units: Decimal) -> Bill:
        found = demand(figures.engine.model_copy(update={"tasks": figures.tasks}), self._volume)
        month = month_of(found, units, self._day, self._pricing)
        return Bill(
            units=month.units,
            price_book=month.price_book,
            plan=month.plan,
            dollars=month.dollars,
            why_not=month.why_not_priced,
            omitted=month.omitted,
        )


def _mean(units: dict[str, Decimal]) -> Decimal:
    return sum(units.values(), Decimal(0)) / len(units)


def _ranked(changes: Sequence[Change]) -> tuple[Change, ...]:
    """The largest difference first."""
    return tuple(sorted(changes, key=lambda each: (-abs(each.difference), each.kind, each.cause)))


def _shares(figures: Figures) -> dict[str, Decimal]:
    """Type → share of the tasks."""
    types = sorted(task.type for task in figures.tasks)
    return {name: Decimal(types.count(name)) / len(types) for name in dict.fromkeys(types)}


def _words(shares: dict[str, Decimal]) -> str:
    return ", ".join(f"{share:.0%} {name or 'untyped'}" for name, share in shares.items())
