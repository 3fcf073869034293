"""`durameter prices`: what a person and a program are shown, and the exit status."""

import json
from datetime import date
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from durameter.cli.prices import prices
from durameter.cost.prices import (
    NotPricedError,
    PriceBook,
    PriceFileError,
    book_by_id,
    load_books,
)
from durameter.errors import UsageError

app = typer.Typer()
app.command("prices")(prices)

OWN = """
format = 1
extends = "temporal-2026-09-17"
checked = 2026-09-20
sources = [{ document = "our offer" }]
[[plans]]
id = "business"
like = "business"
name = "As offered"
fee = { minimum = 300, share_of_usage = 0.05 }
"""


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DURAMETER_PRICES", raising=False)


def call(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "120"}).invoke(app, list(arguments), catch_exceptions=False)


def test_without_arguments_it_lists_the_books() -> None:
    shown = call()
    assert shown.exit_code == 0
    assert all(book.id in shown.output for book in load_books())
    assert "In force on " in shown.output
    assert "$" not in shown.output


def test_an_engine_s_prices_today() -> None:
    shown = call("temporal").output
    assert "Temporal Cloud: temporal-2026-09-17" in shown
    for words in ("$50/M", "$0.042 each", "$0.00105 each", "at least $500", "replicated: x 2", "fairness: + 10 %"):
        assert words in shown
    assert "not priced" in shown  # Enterprise's fee
    assert "events in one workflow's history: 51,200" in shown
    assert "docs/evaluate/cloud/pricing.mdx @ 0217b718" in shown


def test_the_prices_of_a_day_and_of_a_book() -> None:
    assert "temporal-2025" in call("temporal", "--on", "2026-09-16").output
    assert "Essentials" in call("--book", "temporal-2025").output
    both = call("--on", "2026-10-01").output
    assert "inngest-2026-09" in both
    assert "temporal-2026-09-17" in both


def test_json_is_the_whole_book() -> None:
    found = json.loads(call("--book", "inngest-2026-09", "--json").stdout)
    assert found["schema_version"] == 1
    (only,) = found["books"]
    assert only.pop("id") == "inngest-2026-09"
    assert PriceBook.model_validate(only) == book_by_id("inngest-2026-09")


def test_markdown_is_a_table_for_each_book() -> None:
    shown = call("inngest", "--markdown").stdout
    assert shown.startswith("# Inngest Cloud: inngest-2026-09\n")
    assert "| | Free | Pro | Business | Enterprise |" in shown
    assert "| 100 included<br>+ $25 per 25, in whole blocks |" in shown
    assert "| **`temporal-2026-09-17`** | from 2026-09-17 |" in call("--markdown").stdout


def test_own_plans_are_shown_with_the_others(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(OWN)
    shown = call("temporal", "--prices", "own.toml").output
    assert "temporal-2026-09-17+own" in shown
    assert "As offered" in shown
    assert "at least $300" in shown
    (tmp_path / "durameter.toml").write_text('prices = "own.toml"\n')
    assert call("temporal").output == shown


def test_a_check_of_fresh_books_is_0_and_names_what_has_no_price(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("durameter.cli.prices.today", lambda: book_by_id("temporal-2026-09-17").checked)
    done = call("--check")
    assert done.exit_code == 0
    assert done.output.count("holds together") == len(load_books())
    assert "note: enterprise: not priced: annual fee, ask Temporal's sales" in done.output
    found = json.loads(call("inngest", "--check", "--json").stdout)
    assert {finding["level"] for finding in found["findings"]} == {"note"}
    assert call("temporal", "--check").output.count("holds together") == 3


def test_a_check_is_1_when_something_is_to_be_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("durameter.cli.prices.today", lambda: date(2026, 12, 25))
    (tmp_path / "own.toml").write_text(OWN)
    done = call("temporal", "--check", "--prices", "own.toml", "--markdown")
    assert done.exit_code == 1
    # 2026-09-20 to 2026-12-25.
    assert "- warning: `business`: checked 96 days ago: compare it again with its sources" in done.output
    assert "1 thing to look at" in done.output


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("cadence",), NotPricedError, "no price book for engine 'cadence'"),
        (("cadence", "--check"), NotPricedError, "no price book for engine 'cadence'"),
        (("--book", "temporal-1999"), NotPricedError, "there is no price book 'temporal-1999'"),
        (("temporal", "--book", "temporal-2025"), UsageError, "leave out the engine and --on"),
        (("temporal", "--on", "2020-01-01"), NotPricedError, "in force on 2020-01-01"),
        (("--prices", "none.toml"), PriceFileError, "Name a price file that can be read"),
        (("--json", "--markdown"), UsageError, "exclude each other"),
    ],
)
def test_what_cannot_be_shown(arguments: tuple[str, ...], error: type[UsageError], message: str) -> None:
    with pytest.raises(error, match=message) as raised:
        call(*arguments)
    assert raised.value.exit_code == 2


def test_a_file_with_a_gap_between_bands_is_refused(tmp_path: Path) -> None:
    gap = OWN + (
        '[plans.units]\nincluded = 0\nbands_over = "beyond_included"\n'
        "bands = [{ above = 0, up_to = 5, price = 1, per = 1 }, { above = 6, price = 1, per = 1 }]\n"
    )
    (tmp_path / "own.toml").write_text(gap)
    with pytest.raises(PriceFileError, match=r"plans\.business\.units: gap: nothing is said from 5 to 6"):
        call("--check", "--prices", "own.toml")
