"""Which books there are, which one is in force, and what a wrong file is told."""

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
from durameter.errors import DurameterError, UsageError
from durameter.registry import engines

REPOSITORY = Path(__file__).parents[4]

OWN = """
format = 1
engine = "temporal"
vendor = "Temporal Cloud"
unit = "action"
currency = "USD"
tiers = "graduated"
effective_from = 2026-10-01
checked = 2026-11-20
sources = [{ document = "our contract of 2026-09" }]

[[plans]]
id = "ours"
name = "Our contract"
base_fees = [{ above = 0, amount = 2000 }]

[plans.units]
included = 10_000_000
bands_over = "beyond_included"
bands = [
  { above = 0, up_to = 50_000_000, price = 20.10, per = 1_000_000 },
  { above = 50_000_000, price = 15, per = 1_000_000 },
]
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(OWN)
    return path


def refused(path: Path, text: str) -> str:
    path.write_text(text)
    with pytest.raises(PriceFileError) as error:
        load_books(path)
    return str(error.value)


def test_shipped_books() -> None:
    assert [b.id for b in load_books()] == ["inngest-2026-09", "temporal-2024", "temporal-2025", "temporal-2026-09-17"]


def test_files_are_named_after_their_books() -> None:
    names = {f.name for engine in engines() for f in engine.price_files()}
    assert names == {f"{b.id}.toml" for b in load_books()}


def test_every_shipped_book_says_where_it_was_read() -> None:
    for b in load_books():
        assert b.tiers == "graduated"
        assert b.checked >= date(2026, 11, 1)
        assert all(s.repository and s.document and len(s.commit) == 40 for s in b.sources), b.id


@pytest.mark.parametrize(
    ("engine", "on", "book_id"),
    [
        ("temporal", date(2024, 12, 31), "temporal-2024"),
        ("temporal", date(2025, 1, 1), "temporal-2025"),
        ("temporal", date(2026, 9, 16), "temporal-2025"),
        ("temporal", date(2026, 9, 17), "temporal-2026-09-17"),
        ("inngest", date(2026, 9, 1), "inngest-2026-09"),
        ("inngest", date(2030, 1, 1), "inngest-2026-09"),
    ],
)
def test_the_book_in_force_on_a_date(engine: str, on: date, book_id: str) -> None:
    assert book(engine, on).id == book_id


def test_before_the_first_book_nothing_is_priced() -> None:
    with pytest.raises(NotPricedError) as error:
        book("temporal", date(2023, 12, 31))
    assert str(error.value) == (
        "Not priced: no price book for temporal was in force on 2023-12-31; there are: temporal-2024, "
        "temporal-2025, temporal-2026-09-17. Choose a later date, or add a price file of your own "
        "(docs/prices.md describes the format)."
    )


def test_an_engine_without_a_book_is_not_priced() -> None:
    with pytest.raises(NotPricedError) as error:
        book("restate", date(2026, 11, 23))
    assert str(error.value) == (
        "Not priced: there is no price book for engine 'restate'; there are books for: inngest, temporal. "
        "Add a price file of your own (docs/prices.md describes the format)."
    )


def test_price_errors_are_usage_errors() -> None:
    assert issubclass(PriceFileError, UsageError)
    assert issubclass(NotPricedError, DurameterError)
    assert NotPricedError.exit_code == 2


def test_a_user_s_book_joins_the_shipped_ones(own: Path) -> None:
    books = load_books(own)
    assert [b.id for b in books] == [
        "inngest-2026-09",
        "temporal-2024",
        "temporal-2025",
        "temporal-2026-09-17",
        "temporal-2026-10-01",
    ]
    assert book("temporal", date(2026, 9, 30), books).id == "temporal-2026-09-17"
    ours = book("temporal", date(2026, 10, 1), books)
    # 2 000 + 50 x 20.10 + 40 x 15 = 3 605: 20.10 is the decimal, not the nearest binary fraction.
    assert monthly_cost(ours.plans[0], Usage(units=Decimal(100_000_000))).amount == Decimal("3605.00")


def test_a_user_s_book_replaces_the_shipped_one_of_the_same_day(own: Path) -> None:
    own.write_text(OWN.replace("2026-10-01", "2026-09-17"))
    books = load_books(own)
    assert [b.id for b in books] == ["inngest-2026-09", "temporal-2024", "temporal-2025", "temporal-2026-09-17"]
    assert [p.id for p in book("temporal", date(2026, 11, 23), books).plans] == ["ours"]
    # The shipped one is untouched for the next reader.
    assert book("temporal", date(2026, 11, 23)).plans[0].id == "developer"


def test_a_folder_of_price_files(own: Path) -> None:
    (own.parent / "other.toml").write_text(OWN.replace("2026-10-01", "2026-11-01"))
    (own.parent / "notes.txt").write_text("not a price file")
    assert len(load_books(own.parent)) == len(load_books()) + 2


def test_a_folder_without_price_files(tmp_path: Path) -> None:
    with pytest.raises(PriceFileError, match=r"no price file \(\*\.toml\) in this folder"):
        load_books(tmp_path)


def test_two_own_books_of_one_day(own: Path) -> None:
    (own.parent / "z.toml").write_text(OWN)
    with pytest.raises(PriceFileError) as error:
        load_books(own.parent)
    assert str(error.value) == (
        f"{own.parent / 'z.toml'}: effective_from: {own} has temporal prices from the same day. "
        "Give one of them another date, or leave it out."
    )


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PriceFileError, match=r"none\.toml: No such file or directory\. Name a price file"):
        load_books(tmp_path / "none.toml")


def test_a_file_that_is_not_text(own: Path) -> None:
    own.write_bytes(b"\xff\xfe")
    with pytest.raises(PriceFileError, match=r"own\.toml: not UTF-8 text"):
        load_books(own)


def test_a_file_that_is_not_toml(own: Path) -> None:
    assert re.search(r"own\.toml: not TOML: .*line 2.*Correct the file there", refused(own, "format = 1\nengine =\n"))


def test_a_wrong_file_is_told_every_place_and_what_to_do(own: Path) -> None:
    text = (
        OWN.replace("price = 15", "prise = 15")
        .replace('currency = "USD"', "")
        .replace("above = 50_000_000", "above = -1")
    )
    assert refused(own, text) == (
        f"{own}: not a price book:\n"
        "  currency: Field required\n"
        "  plans.ours.units.bands[2].above: Input should be greater than or equal to 0\n"
        "  plans.ours.units.bands[2].price: Field required\n"
        "  plans.ours.units.bands[2].prise: Extra inputs are not permitted\n"
        "Correct these places (docs/prices.md describes the format), or leave the file out."
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("above = 50_000_000", "above = 60_000_000", "gap: nothing is said from 50,000,000 to 60,000,000"),
        ("above = 50_000_000", "above = 40_000_000", "overlap: above 40,000,000 follows what goes up to 50,000,000"),
        ("above = 0, up_to", "above = 1, up_to", "gap: nothing is said from 0 to 1"),
        ("above = 0, up_to = 50_000_000,", "above = 0,", "what is above 0 has no end, so nothing can follow it"),
        (
            "above = 50_000_000,",
            "above = 50_000_000, up_to = 70_000_000,",
            "beyond_bands says what holds above the last",
        ),
        ("included = 10", 'beyond_bands = "ask"\nincluded = 10', "beyond_bands says what holds above the last band"),
        (
            "included = 10",
            "pauses_at_quota = true\nincluded = 10",
            "what pauses at its quota, or sells no more, has no bands",
        ),
        ('bands_over = "beyond_included"\n', "", "say what the bands count"),
        ("beyond_included", "all", "Input should be 'beyond_included' or 'total'"),
        ("up_to = 50_000_000", "up_to = 0", "up_to (0) must be greater than above (0)"),
        ("per = 1_000_000 },\n]", "per = 7 },\n]", "15 per 7 has no exact decimal"),
        ("per = 1_000_000 },\n]", "per = 0 },\n]", "greater than 0"),
        ("price = 15", "price = inf", "finite"),
        ("price = 15", "price = nan", "finite"),
        ("price = 15", "price = true", "must be an exact decimal"),
        ("base_fees = [{ above = 0, amount = 2000 }]\n", "", "give fee or base_fees"),
        (
            "{ above = 0, amount = 2000 }",
            "{ above = 0, up_to = 9, amount = 2000 }",
            "must begin above 0 and have no end",
        ),
        ("{ above = 0, amount = 2000 }", "{ above = 5, amount = 2000 }", "must begin above 0 and have no end"),
        ('tiers = "graduated"', 'tiers = "cliffs"', "tiers: Input should be 'graduated'"),
        ('tiers = "graduated"\n', "", "tiers: Field required"),
        ("format = 1", "format = 2", "format: Input should be 1"),
        (
            'sources = [{ document = "our contract of 2026-09" }]',
            "sources = []",
            "the whole file: give at least one source and one plan",
        ),
        ("checked =", 'effective_precision = "year"\nchecked =', "must be the first day of its year"),
        ("2026-10-01", '"soon"', "effective_from: Input should be a valid date"),
        ('name = "Our contract"', 'name = "Our contract"\nestimate = true\nnot_priced = "x"', "estimate or not priced"),
        ("[[plans]]", '[[plans]]\nid = "ours"\nname = "Twin"\nnot_priced = "x"\n[[plans]]', "twice: ours"),
    ],
)
def test_a_book_that_does_not_hold_together_is_refused(own: Path, old: str, new: str, message: str) -> None:
    assert old in OWN
    assert message in refused(own, OWN.replace(old, new, 1))


def test_bands_over_the_total_must_reach_down_to_what_is_included(own: Path) -> None:
    total = OWN.replace("beyond_included", "total")
    first = "{ above = 0, up_to"
    assert "gap: nothing is said from 10,000,000 to 11,000,000" in refused(
        own, total.replace(first, "{ above = 11_000_000, up_to")
    )
    closed = total.replace("above = 50_000_000,", "above = 50_000_000, up_to = 70_000_000,")
    message = refused(own, closed.replace("included = 10_000_000", 'included = 90_000_000\nbeyond_bands = "ask"'))
    assert "the bands end at 70,000,000, below the 90,000,000 included" in message


def test_a_plan_with_neither_price_nor_reason_is_refused(own: Path) -> None:
    head, _ = OWN.split("[plans.units]")
    assert "plans.ours: give the price of units, or say in not_priced why there is none" in refused(own, head)


@pytest.mark.parametrize(
    ("example", "book_id", "plan_id", "dollars"),
    [
        # As the page says: 1 500 + 20 M beyond the included x $30 per M.
        (0, "temporal-2026-11-01+contract", "contract", 2100),
        # 27.5 M beyond: 250 + 225 + 400 + 7.5 x 35 = 1 137.50; 5 % are 56.875, so 300.
        (1, "temporal-2026-09-17+own", "business", "1437.50"),
    ],
)
def test_the_examples_in_the_docs_are_price_files(
    tmp_path: Path, example: int, book_id: str, plan_id: str, dollars: int | str
) -> None:
    page = (REPOSITORY / "docs" / "prices.md").read_text(encoding="utf-8")
    path = tmp_path / "example.toml"
    path.write_text(re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)[example])
    plans = {plan.id: plan for plan in book_by_id(book_id, load_books(path)).plans}
    assert monthly_cost(plans[plan_id], Usage(units=Decimal(30_000_000))).amount == Decimal(dollars)


def test_the_python_in_the_docs_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = (REPOSITORY / "docs" / "prices.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    exec(code, {})  # noqa: S102 - the page's own example
    # 549 and two blocks of 25 concurrent steps.
    assert "599.00" in capsys.readouterr().out
