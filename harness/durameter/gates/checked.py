"""What came of holding a result against budgets: the record that every format shows."""

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, computed_field

from durameter.measure.result import Door

__all__ = ["Checked", "Limit", "Worst"]


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
    """A result, held against budgets."""

    schema_version: Literal[1] = 1
    measurement: str
    folder: str
    door: Door
    workload: str
    limits: tuple[Limit, ...]
    untrusted: tuple[str, ...]
    """Why the count is not to be believed, or a limit cannot be judged; then no budget is kept."""
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
