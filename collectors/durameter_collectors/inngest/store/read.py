"""The dev server's own database → runs, steps, attempts and requests. Read-only.

Which table speaks is told by the tables and columns that are there, never by a version:

- `spans` with the column `is_deferred` (1.44): every step has an `executor.step` row, every SDK request an
  `executor.execution` row, whose later rows (`EXTEND`) carry the reply's opcodes.
- else `history` (1.12.1): see `store_history`.

A database that is not in WAL mode is read only once no program has it open: each reader makes the server lose spans
(`database is locked`). The engine creates it in WAL mode before the server starts.

Blind spots: what a checkpoint reports is in `spans` only; a server on Postgres; and on servers with `spans`, the trace
is a view of the same table, so that the two prove nothing but that both were read well.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal

import psutil

from durameter_collectors.inngest.opcodes import NAMELESS_STEP, units_per_run
from durameter_collectors.inngest.store.history import runs_in_history
from durameter_collectors.inngest.store.records import StoredRun
from durameter_collectors.inngest.store.spans import runs_in_spans

__all__ = ["BLIND_SPOTS", "StoreChanges", "StoreError", "StoreReading", "counts_in_store", "read_store"]

BLIND_SPOTS = (
    NAMELESS_STEP,
    "servers that keep their state in Postgres",
)

_BUSY_SECONDS = 5.0
_VERSIONS_AT = slice(18, 20)
_WAL = b"\x02\x02"
"""Bytes 18 and 19 of a SQLite file: its write and read format; 2 is WAL (sqlite.org/fileformat.html)."""


class StoreError(Exception):
    """The database cannot be read, or must not be now."""


@dataclass(frozen=True, slots=True)
class StoreReading:
    """What the database says."""

    table: Literal["spans", "history"]
    """Which table was believed."""
    runs: dict[str, StoredRun]
    """By run id."""


class StoreChanges:
    """Tells whether the server has written to its database, however little: an open connection, and no reading.

    Raises:
        StoreError: as `read_store`.
    """

    def __init__(self, file: Path) -> None:
        self._undo = ExitStack()
        self._store = self._undo.enter_context(_opened(file))

    def version(self) -> int:
        """A number that changes when the server writes.

        Raises:
            StoreError: it cannot be read any more.
        """
        try:
            return int(self._store.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.Error as error:
            raise StoreError(f"The Inngest server's database cannot be read: {error}.") from error

    def close(self) -> None:
        """Let go of the database."""
        self._undo.close()


def counts_in_store(runs: Mapping[str, StoredRun]) -> dict[str, dict[str, Decimal]]:
    """Run → kind → units of both readings, by the rulebook, as the ledger counts them."""
    return units_per_run(runs)


def read_store(
    file: Path, *, runs: Collection[str] | None = None, table: Literal["spans", "history"] | None = None
) -> StoreReading:
    """Read runs out of a dev server's `main.db`, in one transaction.

    Args:
        file: the database.
        runs: ids of the runs that are wanted; all when not given.
        table: believe this table; by default the one that this server fills.

    Raises:
        StoreError: there is no such database, it is not in WAL mode and a program has it open, it stayed locked, it is
            damaged, or it has no table that is known here.
    """
    readers: dict[Literal["spans", "history"], Callable[[sqlite3.Connection], Iterator[tuple[str, StoredRun]]]] = {
        "spans": runs_in_spans,
        "history": runs_in_history,
    }
    with _opened(file) as store:
        store.execute("BEGIN")
        chosen = table or _table(store, file)
        try:
            found = {run_id: run for run_id, run in readers[chosen](store) if runs is None or run_id in runs}
        except (ValueError, TypeError) as error:
            raise StoreError(f"A row of {file} is not what an Inngest dev server writes: {error}") from error
    return StoreReading(chosen, found)


def _table(store: sqlite3.Connection, file: Path) -> Literal["spans", "history"]:
    def columns(table: str) -> set[str]:
        return {str(name) for (name,) in store.execute("SELECT name FROM pragma_table_info(?)", (table,))}

    if {"attributes", "dynamic_span_id", "run_id", "is_deferred"} <= columns("spans"):
        return "spans"
    if {"run_id", "type", "attempt", "step_name", "step_id", "group_id"} <= columns("history"):
        return "history"
    raise StoreError(f"{file} has no table of an Inngest dev server that is known here (spans, history).")


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    try:
        with file.open("rb") as raw:
            head = raw.read(_VERSIONS_AT.stop)
    except OSError as error:
        raise StoreError(f"The Inngest server's database cannot be read: {error}") from error
    if head[_VERSIONS_AT] != _WAL and (program := _opened_by(file)):
        raise StoreError(
            f"{file} is not in WAL mode and {program} has it open: reading it now would make the server lose spans. "
            "Stop the server first, or let it start on a database that is in WAL mode already."
        )
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS)) as store:
            yield store
    except sqlite3.Error as error:
        raise StoreError(f"The Inngest server's database {file} cannot be read: {error}.") from error


def _opened_by(file: Path) -> str:
    """A program that has this file open, if any that can be seen."""
    wanted = str(file.resolve())
    for process in psutil.process_iter():
        try:
            if any(each.path == wanted for each in process.open_files()):
                return f"{process.name()} (process {process.pid})"
        except psutil.Error:
            continue  # it has ended, or belongs to somebody else
    return ""
