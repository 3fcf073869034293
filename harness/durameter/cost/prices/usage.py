"""What one account uses in one calendar month: what a plan is asked to price."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from durameter.cost.prices.tariff import Amount, Record
from durameter.registry import engines

__all__ = ["QUANTITIES", "ProvisionedHours", "Usage", "words_of"]

QUANTITIES: Mapping[str, str] = {
    "units": "units",
    "active_gbh": "GBh of active storage",
    "retained_gbh": "GBh of retained storage",
    "events": "events",
    "concurrent_steps": "concurrent steps",
    "connect_workers": "Connect workers",
    "seats": "seats",
}
"""What every plan can have a price for, by the name of its field in `Usage` and in a plan: in words, in the order of a
bill. An engine can have quantities of its own beside them."""


def words_of(quantity: str) -> str:
    """A quantity in words: a generic one, or one that an engine has of its own."""
    if quantity in QUANTITIES:
        return QUANTITIES[quantity]
    own = (engine.quantities[quantity].words for engine in engines() if quantity in engine.quantities)
    return next(own, quantity.replace("_", " "))


class ProvisionedHours(Record):
    """Clock hours for which capacity was provisioned, all with as many units in them."""

    capacity_units: int = Field(ge=1)
    """How many were held in each of these hours."""
    units: Amount
    """Billable units in each of these hours. They are part of `Usage.units` and are not added to it."""
    hours: Amount = Decimal(1)
    """How many such hours there were."""


class Usage(Record):
    """One calendar month of one account, exact.

    None means not known: what it would cost is named in `Cost.omitted` where the plan may charge for it, and is never
    taken as zero. Give 0 for what is known not to be used.
    """

    units: Amount
    """Billable units before any multiplier: Actions, executions. May be fractional."""
    active_gbh: Amount | None = None
    """Gigabyte-hours of storage of open runs, before replication."""
    retained_gbh: Amount | None = None
    """Gigabyte-hours of storage of closed runs, before replication."""
    events: Amount | None = None
    """Events received."""
    concurrent_steps: Amount | None = None
    """The most steps at work at once."""
    connect_workers: Amount | None = None
    """Workers that hold a Connect connection."""
    seats: Amount | None = None
    """People with access."""
    others: Mapping[str, Amount | None] = Field(default_factory=dict)
    """Quantities that an engine has of its own, by name."""
    peak_aps: Amount | None = None
    """Units per second at the peak; meets the limit `aps`."""
    needs: Mapping[str, Amount] = Field(default_factory=dict)
    """The greatest value met of each further limit, by the limit's id: `steps_per_function`, `history_events` ..."""
    replicated: bool = False
    """High availability: a replica of the namespace."""
    fairness_share: Annotated[Amount, Field(le=1)] = Decimal(0)
    """Share of the units that fall into hours in which fairness is enabled, 0 to 1."""
    exported_workflows: Amount = Decimal(0)
    """Workflows whose history is exported."""
    provisioned: tuple[ProvisionedHours, ...] = ()
    """Hours with provisioned capacity; none means on-demand capacity only."""
    days: int | None = Field(default=None, ge=1, le=31)
    """Days of the month for which the plan was held; None for the whole month."""
    days_in_month: int = Field(default=30, ge=28, le=31)
    """Days of that month; read only with `days`."""

    def of(self, quantity: str) -> Decimal | None:
        """How much of a quantity; None where that is not known."""
        if quantity in QUANTITIES:
            found: Decimal | None = getattr(self, quantity)
            return found
        return self.others.get(quantity)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.days is not None and self.days > self.days_in_month:
            raise ValueError(f"{self.days} days are more than the month's {self.days_in_month}")
        return self
