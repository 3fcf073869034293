"""A file of the user's own that changes single plans of a book; what all plans of a book share."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from durameter.cost.prices import (
    NotPricedError,
    PriceFileError,
    Usage,
    book,
    book_by_id,
    load_books,
    monthly_cost,
)

CHANGES = """
format = 1
extends = "temporal-2026-09-17"
checked = 2026-11-20
sources = [{ document = "our offer of 2026-11" }]

[[plans]]
id = "business"
like = "business"
name = "Business, as offered"
fee = { minimum = 300, share_of_usage = 0.05 }

[[plans]]
id = "contract"
name = "Our contract"
base_fees = [{ above = 0, amount = 1500 }]

[plans.units]
included = 10_000_000
bands_over = "beyond_included"
bands = [{ above = 0, price = 30, per = 1_000_000 }]
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(CHANGES)
    return path


def refused(path: Path, text: str) -> str:
    path.write_text(text)
    with pytest.raises(PriceFileError) as error:
        load_books(path)
    return str(error.value)


def test_single_plans_are_changed_and_added(own: Path) -> None:
    books = load_books(own)
    ours = book("temporal", date(2026, 11, 23), books)
    assert ours.id == "temporal-2026-09-17+own"  # whoever reads a result sees that the book was changed
    assert [p.id for p in ours.plans] == ["developer", "business", "enterprise", "mission_critical", "contract"]
    business, contract = ours.plans[1], ours.plans[4]
    # 200 M beyond the included are 5 925; 5 % are 296.25, so 300.
    assert monthly_cost(business, Usage(units=Decimal(202_500_000))).amount == 6225
    # 1 500 + 20 M x 30.
    assert monthly_cost(contract, Usage(units=Decimal(30_000_000))).amount == 2100
    vendors = book_by_id("temporal-2026-09-17")
    assert ours.plans[0] == vendors.plans[0]
    assert (business.capacity, business.fixed_limits) == (vendors.plans[1].capacity, vendors.plans[1].fixed_limits)
    assert (business.checked, [s.document for s in business.sources]) == (date(2026, 11, 20), ["our offer of 2026-11"])
    assert book_by_id("temporal-2026-09-17").plans[1].name == "Business"  # the next reader has the vendor's


def test_two_files_can_change_a_book_one_after_the_other(own: Path) -> None:
    more = CHANGES.replace('"business"\nlike', '"second"\nlike').replace('id = "contract"', 'id = "third"')
    (own.parent / "zz.toml").write_text(more.replace("checked", 'variant = "twice"\nchecked', 1))
    ours = book("temporal", date(2026, 11, 23), load_books(own.parent))
    assert ours.id == "temporal-2026-09-17+twice"
    assert [p.id for p in ours.plans][-3:] == ["contract", "second", "third"]


def test_a_book_that_is_not_there_cannot_be_changed(own: Path) -> None:
    assert refused(own, CHANGES.replace("2026-09-17", "1999", 1)) == (
        f"{own}: extends: there is no book 'temporal-1999'; there are: inngest-2026-09, temporal-2024, temporal-2025, "
        "temporal-2026-09-17."
    )


def test_a_plan_that_is_not_there_cannot_be_like_it(own: Path) -> None:
    message = refused(own, CHANGES.replace('like = "business"', 'like = "gold"'))
    assert "like: there is no plan 'gold'; there are: developer, business, enterprise, mission_critical." in message


def test_a_change_that_does_not_hold_together_is_told_where(own: Path) -> None:
    message = refused(own, CHANGES.replace("included = 10_000_000\n", ""))
    assert "plans.contract.units.included: Field required" in message
    assert "extends" not in message
    assert "effective_from: Extra inputs" in refused(own, "effective_from = 2026-11-01\n" + CHANGES)


SHARED = """
format = 1
engine = "restate"
vendor = "Restate"
unit = "action"
currency = "EUR"
tiers = "graduated"
effective_from = 2026-11-01
checked = 2026-11-20
sources = [{ document = "a page" }]

[every_plan]
base_fees = [{ above = 0, amount = 10 }]

[[every_plan.fixed_limits]]
id = "history_events"
value = 100
of = "events"
beyond = "it ends"
hard = true
source = "a page"

[[plans]]
id = "one"
name = "One"
units = { included = 5, no_more = true }

[[plans]]
id = "two"
name = "Two"
base_fees = [{ above = 0, amount = 20 }]
units = { included = 5, block = 2, bands_over = "beyond_included", bands = [{ above = 0, price = 1, per = 2 }] }
fixed_limits = [{ id = "history_events", value = 200, of = "events", beyond = "it ends", hard = true }]
"""


def test_what_every_plan_shares_is_said_once(own: Path) -> None:
    own.write_text(SHARED)
    one, two = book("restate", date(2026, 11, 23), load_books(own)).plans
    assert (monthly_cost(one, Usage(units=Decimal(1))).amount, monthly_cost(two, Usage(units=Decimal(1))).amount) == (
        10,
        20,
    )
    assert [limit.value for limit in one.fixed_limits] == [100]
    assert [limit.value for limit in two.fixed_limits] == [200]
    # One unit beyond is a whole block of two at 1 EUR.
    assert monthly_cost(two, Usage(units=Decimal(6))).amount == 21
    (block,) = [limit for limit in two.limits if limit.id == "units"]
    assert block.price == "EUR 1 per 2"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('source = "a page"', 'source = "a blog"', "plan one names a source that the book does not list: a blog"),
        ("no_more = true", 'no_more = true, beyond_bands = "ask"', "or sells no more, has no bands"),
        ("included = 5, no_more = true", "included = 5", "no price is not a price of zero"),
        ("block = 2", "block = 0", "greater than 0"),
        ('name = "Two"', 'name = "Two"\nadditive = true', "only with one price and no fixed part"),
        ('name = "Two"', 'name = "Two"\ncurrency = "USD"', "plan two is in USD, and the book in EUR"),
        ("value = 200, of", "value = 200.5, off", "plans.two.fixed_limits[1].off: Extra inputs are not permitted"),
        ('bands_over = "beyond_included"', 'bands_over = "total"', "gap: nothing is said from 5 to 6"),
        ("[every_plan]", "[every_plan]\nseats = 3", "plans.one.seats: Input should be"),
    ],
)
def test_a_wrong_word_is_refused(own: Path, old: str, new: str, message: str) -> None:
    assert old in SHARED
    text = SHARED.replace(old, new, 1)
    if "total" in new:
        text = text.replace("above = 0, price = 1", "above = 6, price = 1")
    assert message in refused(own, text)


def test_a_book_by_its_id() -> None:
    assert book_by_id("temporal-2025").plans[0].id == "essentials"
    with pytest.raises(NotPricedError, match=re.escape("there is no price book 'temporal-1999'; there are: inngest")):
        book_by_id("temporal-1999")
