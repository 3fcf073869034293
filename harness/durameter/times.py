"""Times, spans of time, and tasks per time, as users write them."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from durameter.errors import UsageError

__all__ = ["parse_moment", "parse_span", "parse_volume"]

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d)?")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_span(text: str) -> timedelta:
    """A span such as 60s, 5m, 2h or 1d; a bare number is seconds.

    Raises:
        UsageError: it is none, it is 0, or it is longer than can be reckoned with.
    """
    span = _SPAN.fullmatch(text.strip())
    try:
        found = timedelta(**{_UNITS[span[2] or "s"]: float(span[1])}) if span else timedelta(0)
    except OverflowError:
        found = timedelta(0)
    if not found:
        raise UsageError(f"{text!r} is not a time. Write it as 60s, 5m, 2h or 1d.")
    return found


def parse_moment(text: str, option: str, *, now: datetime) -> datetime:
    """A moment by ISO 8601, where a time without a zone is UTC and a date its midnight; or how long before now: 2h.

    Args:
        text: what the user wrote.
        option: what it was written for.
        now: the moment, with a zone.

    Raises:
        UsageError: it is neither.
    """
    wrong = f"{option} {text!r} is neither a time ago (2h) nor a date or time (2026-11-01, 2026-11-01T09:30:00Z)."
    try:
        if _SPAN.fullmatch(text.strip()) and text.strip()[-1] in _UNITS:
            return now - parse_span(text)
        moment = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError, UsageError) as error:
        raise UsageError(wrong) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def parse_volume(text: str) -> Decimal:
    """Tasks per month from words such as `1M/month`, `250k`, `10000/day`.

    A day is 1/30 of a month, as in the vendors' own calculators.

    Raises:
        UsageError: it is not such a volume.
    """
    number, _, period = text.strip().replace("_", "").partition("/")
    factor = {"k": Decimal(1000), "m": Decimal(10**6)}.get(number[-1:].lower(), Decimal(1))
    per_month = {"": 1, "month": 1, "day": 30}.get(period.strip().lower())
    digits = number[:-1] if factor != 1 else number
    if per_month is None or not digits.replace(".", "", 1).isdecimal():
        raise UsageError(f"{text!r} is not a volume of tasks. Write it as 1M/month, 250k/month or 5000/day.")
    return Decimal(digits) * factor * per_month
