"""A result with assertions."""

from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Literal

from durameter.config import Config
from durameter.errors import UsageError
from durameter.gates.check import check
from durameter.gates.figures import Figures, figures_of
from durameter.measure.folder import Result
from durameter.prices import load_books
from durameter.pytest_plugin.arguments import see_number, see_words
from durameter.pytest_plugin.words import Asked, complaint
from durameter.report.check import check_text
from durameter.report.month import Pricing
from durameter_collectors.rulebook import load_rulebook
from durameter_collectors.units import Reading

__all__ = ["MeasuredResult"]

Number = Decimal | int | float
Per = Literal["task", "mean", "total"]


@dataclass(frozen=True)
class MeasuredResult(Result):
    """What `durameter_measure` found. Everything here is of the tasks that completed.

    Each assertion takes the same filters: `kind` (the vendor's own name, such as `schedule_activity`), `cause` (what
    made it: an activity type, a step), `engine` (else each engine on its own) and `reading` (`upper` has what open
    questions of the billing rules would add).
    """

    config: Config = field(repr=False)

    @cached_property
    def _figures(self) -> dict[str, Figures]:
        return {each.engine: figures_of(self, each) for each in self.measurement.engines}

    def per_task(
        self,
        *,
        engine: str | None = None,
        kind: str | None = None,
        cause: str | None = None,
        reading: Reading = "documented",
    ) -> dict[str, Decimal]:
        """Task → its units, on one engine.

        Raises:
            UsageError: several engines were measured and none is named, or a name is wrong.
        """
        see_words(reading=reading)
        chosen = self._chosen(engine, kind)
        if len(chosen) != 1:
            raise UsageError(
                f"Units of several engines are no sum: name one with engine= ({', '.join(self._figures)})."
            )
        return chosen[0].per_task(kind=kind, cause=cause, reading=reading)

    def assert_at_most(
        self,
        limit: Number,
        *,
        per: Per = "task",
        engine: str | None = None,
        kind: str | None = None,
        cause: str | None = None,
        reading: Reading = "documented",
    ) -> None:
        """Fail when there are more units.

        Args:
            limit: in units.
            per: `task`: no task has more; `mean`: the mean over the tasks is not more; `total`: of all tasks together.
            engine: on this engine; by default on each.
            kind: only of this kind.
            cause: only what this made.
            reading: `upper` has what open questions would add as well.

        Raises:
            AssertionError: there are more; with the breakdown, the tasks with most, and by how much.
            UsageError: a name is wrong: there is no such engine or kind, or nothing was made by that cause (0 may be
                asserted of one that is gone).
        """
        __tracebackhide__ = True
        self._assert(limit, per=per, exactly=False, engine=engine, kind=kind, cause=cause, reading=reading)

    def assert_exactly(
        self,
        count: Number,
        *,
        per: Per = "task",
        engine: str | None = None,
        kind: str | None = None,
        cause: str | None = None,
        reading: Reading = "documented",
    ) -> None:
        """Fail when there are more or fewer units; as `assert_at_most`."""
        __tracebackhide__ = True
        self._assert(count, per=per, exactly=True, engine=engine, kind=kind, cause=cause, reading=reading)

    def assert_within_budgets(self, *names: str) -> None:
        """Fail when a budget of durameter.toml is broken or cannot be judged.

        Args:
            names: of budgets, each of which must apply; by default all that are of this workload.

        Raises:
            AssertionError: says which, with the figures.
            UsageError: there is no budget that applies.
        """
        __tracebackhide__ = True
        pricing = Pricing(books=load_books(self.config.prices))
        checked = check(self, self.config.budgets, volume=self.config.run.volume, pricing=pricing, only=names)
        if checked.verdict != "kept":
            raise AssertionError(check_text(checked))

    def _assert(
        self,
        limit: Number,
        *,
        per: Per,
        exactly: bool,
        engine: str | None,
        kind: str | None,
        cause: str | None,
        reading: Reading,
    ) -> None:
        __tracebackhide__ = True
        see_words(per=per, reading=reading)
        asked = Asked(see_number(limit), per, exactly, kind, cause, reading)
        chosen = self._chosen(engine, kind)
        if cause is not None and asked.limit and not any(cause in figures.causes for figures in chosen):
            known = ", ".join(sorted({each for figures in chosen for each in figures.causes})) or "nothing"
            raise UsageError(f"Nothing was made by {cause!r}, which must not pass for zero. What made units: {known}.")
        said = [complaint(asked, figures, self.folder) for figures in chosen]
        if any(said):
            raise AssertionError("\n\n".join(filter(None, said)))

    def _chosen(self, engine: str | None, kind: str | None) -> list[Figures]:
        if engine is not None and engine not in self._figures:
            raise UsageError(f"{engine!r} was not measured; {', '.join(self._figures)} was.")
        chosen = [figures for name, figures in self._figures.items() if engine in (None, name)]
        if kind is None:
            return chosen
        kinds = {each.engine.engine: {rule.kind for rule in load_rulebook(each.engine.engine).rules} for each in chosen}
        if not any(kind in known for known in kinds.values()):
            known = "; ".join(f"{name}: {', '.join(sorted(each))}" for name, each in kinds.items())
            raise UsageError(f"There is no kind {kind!r}. Kinds of {known}.")
        return [each for each in chosen if kind in kinds[each.engine.engine]]
