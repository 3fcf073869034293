"""Gigabyte-hours of storage in a month, in the steady state.

Derivation (Temporal Cloud; docs/evaluate/cloud/pricing.mdx @0217b718: "A Workflow Execution has only two states, open
(Active Storage) or closed (Retained Storage)"; "1GB equals 744GBh", that is one GB through all hours of a month of 31
days). Let V tasks a month be spread over H hours, each leave b bytes and keep them for t hours. In the steady state the
bytes kept at a moment are the arrival rate times the time they stay, V / H x b x t (Little's law), and a month of H
hours has H times as many byte-hours: V x b x t. H cancels, so the length of the month does not matter, and neither does
the shape of the day. In gigabyte-hours: V x b x t / 10^9. For retained storage t is the retention; for active storage,
the time in which a run is open. A GB is taken as 10^9 bytes: the vendor does not say whether it means 2^30, which would
be 6.9 % less.
"""

from decimal import Decimal

__all__ = ["BYTES_PER_GB", "HOURS_PER_DAY", "gbh"]

BYTES_PER_GB = Decimal(10**9)
HOURS_PER_DAY = Decimal(24)


def gbh(volume: Decimal, byte_hours: Decimal) -> Decimal:
    """Gigabyte-hours of a month, rounded to 10^-6.

    Args:
        volume: tasks per month.
        byte_hours: bytes of one task times the hours for which they are kept.
    """
    return (volume * byte_hours / BYTES_PER_GB).quantize(Decimal("0.000001"))
