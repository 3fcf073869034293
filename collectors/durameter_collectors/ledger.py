"""The ledger on disk: one row per unit, in Parquet."""

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from durameter_collectors.units import Unit

__all__ = ["LedgerError", "ledger_frame", "read_ledger", "write_ledger"]

_SCHEMA = pl.Schema(
    {
        "engine": pl.String(),
        "workload": pl.String(),
        "variant": pl.String(),
        "task": pl.String(),
        "run": pl.String(),
        "kind": pl.String(),
        "cause": pl.String(),
        "step": pl.String(),
        "attempt": pl.Int32(),
        "quantity": pl.Decimal(18, 6),
        "reading": pl.String(),
        "rule": pl.String(),
        "time": pl.Datetime("us", "UTC"),
        "source": pl.String(),
        "evidence": pl.String(),
    }
)


class LedgerError(Exception):
    """A ledger file cannot be read."""


def ledger_frame(units: Iterable[Unit]) -> pl.DataFrame:
    """All units as a table: a row each, in their order, with the columns of the file."""
    return pl.DataFrame([unit.model_dump() for unit in units], schema=_SCHEMA)


def write_ledger(units: Iterable[Unit], path: Path) -> None:
    """Write all units to `path`, whole or not at all."""
    frame = ledger_frame(units)
    unfinished = path.with_suffix(".part")
    frame.write_parquet(unfinished)
    unfinished.replace(path)


def read_ledger(path: Path) -> list[Unit]:
    """Read a ledger back.

    Raises:
        LedgerError: the file is missing, damaged, or is not a ledger.
    """
    try:
        frame = pl.read_parquet(path)
        return [Unit.model_validate(row) for row in frame.iter_rows(named=True)]
    except (OSError, pl.exceptions.PolarsError, ValueError) as error:
        raise LedgerError(f"{path} is not a readable ledger: {error}") from error
