"""Moments and spans as users write them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durameter.errors import UsageError
from durameter.times import parse_moment, parse_span

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("60s", 60), ("5m", 300), ("2h", 7200), ("1d", 86400), ("0.5h", 1800), ("90", 90), (" 3 s ", 3)],
)
def test_spans(text: str, seconds: float) -> None:
    assert parse_span(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2h", NOW - timedelta(hours=2)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T09:30:00", datetime(2026, 11, 1, 9, 30, tzinfo=UTC)),
        ("2026-11-01T09:30:00Z", datetime(2026, 11, 1, 9, 30, tzinfo=UTC)),
        ("2026-11-01T09:30:00+02:00", datetime(2026, 11, 1, 7, 30, tzinfo=UTC)),
        ("20261101", datetime(2026, 11, 1, tzinfo=UTC)),  # a date of ISO 8601, and no number of seconds
    ],
)
def test_moments(text: str, moment: datetime) -> None:
    assert parse_moment(text, "--since", now=NOW) == moment


@pytest.mark.parametrize("text", ["", "0s", "-5m", "yesterday", "5 weeks", "1e3s", "999999999999d", "2026-13-01", "90"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"--since .* is neither a time ago \(2h\) nor a date"):
        parse_moment(text, "--since", now=NOW)


@given(st.text(max_size=20))
def test_any_text_is_a_moment_or_a_usage_error(text: str) -> None:
    try:
        moment = parse_moment(text, "--until", now=NOW)
    except UsageError:
        return
    assert moment.tzinfo is not None
