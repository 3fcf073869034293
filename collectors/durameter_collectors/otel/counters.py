"""Totals of units as monotonic counters, one per engine."""

import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Final, NamedTuple

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from durameter_collectors.otel import names
from durameter_collectors.units import Unit

__all__ = ["SERIES_LIMIT", "UnitCounters"]

SERIES_LIMIT: Final = 2000
"""The SDK's default: from this many attribute sets on it adds up the rest under `otel.metric.overflow`."""


class _Series(NamedTuple):
    """What distinguishes one value of a counter from another. No ids: their number has no bound."""

    engine: str
    workload: str
    variant: str
    kind: str
    source: str
    reading: str

    def attributes(self) -> dict[str, str]:
        keys = (names.ENGINE, names.WORKLOAD, names.VARIANT, names.KIND, names.SOURCE, names.READING)
        return dict(zip(keys, self, strict=True))


class UnitCounters:
    """Adds units up, and tells a meter the totals whenever it asks.

    The counters are observed ones: they export the exact decimal total, rounded once. The SDK's own sum of floats
    would drift from the ledger: ten times 0.1 is not 1 there.
    """

    def __init__(self, meter: Meter, unit_names: Mapping[str, str]) -> None:
        self._meter = meter
        self._unit_names = unit_names
        self._totals: dict[str, dict[_Series, int | Decimal]] = {}
        self._lock = threading.Lock()
        self.units = 0
        """How many units (rows, not quantities) have been added."""

    def add(self, units: Sequence[Unit]) -> None:
        """Add units: all of them, or none if this raises. Thread-safe."""
        added: defaultdict[_Series, int | Decimal] = defaultdict(int)
        for unit in units:
            series = _Series(unit.engine, unit.workload, unit.variant, unit.kind, unit.source, unit.reading)
            # Whole quantities are added as int, so that a series of them is exported as int; a series becomes
            # float with its first fraction and stays it.
            added[series] += int(unit.quantity) if unit.quantity == int(unit.quantity) else unit.quantity
        with self._lock:
            for engine in {series.engine for series in added} - self._totals.keys():
                self._open(engine)
            for series, quantity in added.items():
                totals = self._totals[series.engine]
                totals[series] = totals.get(series, 0) + quantity
            self.units += len(units)

    def crowded(self) -> list[str]:
        """Engines with more attribute sets than the SDK keeps apart. Their totals are right, the split is not."""
        with self._lock:
            return [engine for engine, totals in self._totals.items() if len(totals) > SERIES_LIMIT]

    def _open(self, engine: str) -> None:
        counter = names.counter_name(engine, self._unit_names.get(engine, "unit"))
        observe = partial(self._observe, engine)
        self._meter.create_observable_counter(counter.name, [observe], counter.unit, counter.description)
        self._totals[engine] = {}

    def _observe(self, engine: str, _: CallbackOptions) -> list[Observation]:
        with self._lock:
            totals = list(self._totals.get(engine, {}).items())
        return [
            Observation(value if isinstance(value, int) else float(value), series.attributes())
            for series, value in totals
        ]
