"""An order as a workload: what may be set, which tasks there are, and who carries them out.

Units of an order with n items, derived by hand; `failures` is how often its payment fails before it works.

    temporal, one_by_one   workflow start 1 + pay 1 + retries of pay `failures` + pack n + send 1 = 3 + n + failures
    temporal, at_once      workflow start 1 + pay 1 + retries of pay `failures` + pack 1 + send 1 = 4 + failures
    inngest                run 1 + pay 1 + pack n + send 1 = 3 + n; whether failed attempts of a step are billed is an
                           open question there: `failures` more at the upper end
"""

import random
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from durameter import Implementation, Scenario, Task, Workload
from durameter_example.on_inngest import OnInngest
from durameter_example.on_temporal import OnTemporal


class OrderOptions(BaseModel):
    """What `-o KEY=VALUE` and `[workloads."example/order"]` in durameter.toml may set."""

    model_config = ConfigDict(extra="forbid")

    most_items: int = Field(default=4, ge=1)
    """Orders have from 1 to so many items."""
    payment_failures: int = Field(default=0, ge=0, le=3)
    """Attempts of the payment that fail."""


class Orders(Workload):
    """Orders of a shop."""

    description = "an order: pay, pack, send"
    options_model = OrderOptions

    def tasks(self, count: int, seed: int, options: Any) -> Sequence[Task]:
        """`count` orders; the first ones are the same for a larger count, so that `--until` works."""
        chance = random.Random(seed)  # noqa: S311 - no secret hangs on it
        return [_order(number, chance.randint(1, options.most_items)) for number in range(1, count + 1)]

    def implementations(self, options: Any) -> Sequence[Implementation[Any]]:
        """The default of each engine first."""
        failures = options.payment_failures
        return [OnTemporal("one_by_one", failures), OnTemporal("at_once", failures), OnInngest(failures)]

    def scenarios(self, options: Any) -> Sequence[Scenario]:
        """A payment service that is down for a moment."""
        return [
            Scenario(
                name="payment_down",
                description="the first two attempts of each payment fail",
                options={"payment_failures": 2},
                default_share=0.01,
                why="an assumption: put your payment service's own record here",
            )
        ]


def _order(number: int, items: int) -> Task:
    return Task(id=f"order-{number:04d}", shape={"items": items}, covariates={"items": items})


workload = Orders()
