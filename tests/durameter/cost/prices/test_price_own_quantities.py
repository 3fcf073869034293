"""Quantities and limits that an engine from outside brings: priced where they are known, and never zero where not."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from durameter.cost.billing.month import month_of
from durameter.cost.capacity import capacity_rows, demand
from durameter.cost.prices import Plan, PriceBook, PriceFileError, Usage, load_books, monthly_cost, price_draws
from durameter.cost.prices.books import Pricing
from durameter.cost.prices.check import check_books
from durameter.cost.prices.draws import UsageDraws
from durameter.engines.plugin import LimitedMeasure, Quantity
from durameter.report.prices import limit_rows, price_rows
from durameter.results.model import EngineResult, KindCount, TaskResult

BOOK = """
format = 1
engine = "toy"
vendor = "Toy"
unit = "tick"
currency = "USD"
tiers = "graduated"
effective_from = 2026-01-01
checked = 2026-11-01
sources = [{ document = "contract" }]

[[plans]]
id = "only"
name = "Only"
base_fees = [{ above = "0", amount = "0" }]
fixed_limits = [{ id = "widest_fan", value = "100", of = "branches of one run", beyond = "it fails", hard = true }]

[plans.units]
included = "0"
bands_over = "total"
bands = [{ above = "0", price = "0.001", per = "1" }]

[plans.quantities.gateway_calls]
included = "1000"
bands_over = "beyond_included"
bands = [{ above = "0", price = "2", per = "1000" }]
"""
TOY = SimpleNamespace(
    name="toy",
    quantities={"gateway_calls": Quantity("calls of the gateway", "calls")},
    limits={"widest_fan": LimitedMeasure("fan_widest", near=Decimal("0.2"))},
    capacity_gaps={},
)


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if its package were installed."""
    load_books()  # what is kept of the installed engines is made before
    monkeypatch.setattr("durameter.cost.prices.usage.engines", lambda: (TOY,))
    monkeypatch.setattr("durameter.registry.points", lambda group: {"toy": None})
    monkeypatch.setattr("durameter.registry.load_engine", lambda name: TOY)


@pytest.fixture
def book(tmp_path: Path) -> PriceBook:
    (tmp_path / "toy.toml").write_text(BOOK)
    return next(each for each in load_books(tmp_path) if each.engine == "toy")


@pytest.fixture
def only(book: PriceBook) -> Plan:
    return book.plans[0]


def measured(*tasks: dict[str, int]) -> EngineResult:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    return EngineResult(
        engine="toy",
        unit="tick",
        variant="any",
        state="measured",
        tasks=tuple(
            TaskResult(
                task=f"task-{number}",
                state="completed",
                kinds={"tick": KindCount(documented=Decimal(10))},
                measures={name: Decimal(value) for name, value in each.items()},
                started=now,
                ended=now,
            )
            for number, each in enumerate(tasks)
        ),
    )


def test_a_month_has_the_mean_of_the_tasks_and_the_bill_names_it(book: PriceBook) -> None:
    """1,000 tasks of 10 ticks and 2 calls: $10 of ticks; 2,000 calls, 1,000 of them included, $2 for the others."""
    month = month_of(
        demand(measured({"calls": 1}, {"calls": 3}), Decimal(1000)),
        Decimal(10),
        datetime(2026, 11, 1, tzinfo=UTC).date(),
        Pricing(books=(book,)),
    )
    assert (month.dollars, month.omitted) == (Decimal(12), ())
    usage = demand(measured({"calls": 1}, {"calls": 3}), Decimal(1000)).usage(Decimal(10_000))
    assert usage.others == {"gateway_calls": 2000}
    lines = {line.what: line.amount for line in monthly_cost(book.plans[0], usage).lines}
    assert lines["calls of the gateway: every unit beyond the included"] == 2
    assert monthly_cost(book.plans[0], usage).amount_of("gateway_calls") == 2


def test_what_was_not_measured_is_omitted_and_not_zero(only: Plan) -> None:
    unknown = monthly_cost(only, demand(measured({}), Decimal(1000)).usage(Decimal(10_000)))
    assert unknown.amount == 10
    assert unknown.omitted == ("calls of the gateway: how much is not known (1,000 included)",)
    unasked = monthly_cost(only, Usage(units=Decimal(1)))
    assert unasked.omitted == unknown.omitted


def test_what_the_plan_has_no_price_for_is_omitted(only: Plan) -> None:
    without = only.model_copy(update={"quantities": {}})
    found = monthly_cost(without, Usage(units=Decimal(1), others={"gateway_calls": Decimal(5)}))
    assert found.omitted == ("calls of the gateway: Only has no price for them in this book",)


def test_the_engine_s_own_limit_is_held_against_the_largest_of_any_run(only: Plan) -> None:
    over = demand(measured({"fan_widest": 101}, {"fan_widest": 3}), Decimal(1))
    assert monthly_cost(only, over.usage(Decimal(1))).why_not.startswith("does not fit: 101 branches of one run")
    assert [near.state for near in demand(measured({"fan_widest": 20}), Decimal(1)).limits(only)] == ["near"]
    assert demand(measured({"fan_widest": 19}), Decimal(1)).limits(only) == ()


def test_draws_cost_what_their_months_cost(only: Plan) -> None:
    usage = Usage(units=Decimal(1), others={"gateway_calls": Decimal(5)})
    calls = np.array([0.0, 999.5, 1000.5, 123_456.0])
    draws = UsageDraws.of(usage, units=np.array([1, 2, 3, 4]), gateway_calls=calls)
    priced = price_draws(only, draws)
    assert [priced.amount(n) for n in range(4)] == [monthly_cost(only, draws.at(n)).amount for n in range(4)]
    assert priced.amount(2) == Decimal("0.003") + Decimal("0.5") * Decimal("0.002")
    assert (
        price_draws(only, UsageDraws(units=np.array([1]))).omitted
        == monthly_cost(only, Usage(units=Decimal(1))).omitted
    )


def test_it_is_shown_with_its_words(book: PriceBook) -> None:
    assert dict(price_rows(book))["calls of the gateway"] == [["1,000 included", "beyond these:", "$2 per 1,000"]]
    assert [limit.id for limit, _ in limit_rows(book)] == ["widest_fan"]
    assert check_books([book], [book], datetime(2026, 11, 2, tzinfo=UTC).date())
    rows = {row.what: row.value for row in capacity_rows(demand(measured({"calls": 2, "fan_widest": 7}), Decimal(500)))}
    assert rows["calls of the gateway"] == "1,000 a month"
    assert rows["widest fan"] == "7"


def test_a_generic_quantity_keeps_its_place(tmp_path: Path) -> None:
    (tmp_path / "toy.toml").write_text(BOOK.replace("gateway_calls", "events"))
    with pytest.raises(PriceFileError, match="events has a place of its own in a plan"):
        load_books(tmp_path)
