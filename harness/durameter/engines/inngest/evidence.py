"""What all sources said by the end of an Inngest measurement."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from durameter_collectors.inngest.runs import CountedRun
from durameter_collectors.inngest.store import StoreReading
from durameter_collectors.inngest.wire.index import WireIndex
from durameter_collectors.inngest.wire.record import WireEvents
from durameter_collectors.units import Unit

__all__ = ["Evidence"]


@dataclass(frozen=True)
class Evidence:
    """What all sources said by the end of a measurement."""

    ledger: Sequence[Unit]
    runs: Mapping[str, CountedRun]
    """Every run that belongs to a task, by id."""
    apps: Sequence[str]
    """Ids of the apps that were served."""
    wire: WireIndex | None
    """None without a tap."""
    events: Sequence[WireEvents]
    """Events that passed during the measurement."""
    own_events: Collection[str]
    """Ids of events that started runs and that the server made by itself."""
    events_tapped: bool
    """Whether clients and apps reach the server through the tap."""
    store: StoreReading | None
    store_problem: str
    """Why there is none."""
    store_troubles: Sequence[str]
    """What the server's log says against its store."""
    rest: Mapping[str, Mapping[str, Decimal]] | None
    """Run → kind → units by the server's REST API, of the runs that it tells whole; None where it has none."""
    rest_problems: Sequence[str]
    """Runs that it did not tell, and why."""
    strangers: Sequence[str]
    """Runs of nobody, in words."""
