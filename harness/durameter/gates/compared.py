"""The difference of two results: the record that every format shows."""

from decimal import Decimal
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, computed_field

from durameter.gates.dollars import Bill
from durameter.gates.interval import Sureness
from durameter.measure.result import Door

__all__ = ["Change", "Diff", "EngineDiff", "Refused", "Side"]


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
    """Whether the reason is that a count is not to be believed."""
    reasons: tuple[str, ...]
