"""What a measurement found: the models of `measurement.json`, whose JSON Schema ships with the project."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from durameter.results.reconcile import Reconciliation
from durameter_collectors.rulebook import Answer, Rulebook
from durameter_collectors.units import Gap, Unit

__all__ = [
    "SCHEMA_VERSION",
    "Door",
    "EngineResult",
    "Estimate",
    "KindCount",
    "Measurement",
    "Reached",
    "ServerInfo",
    "Stopping",
    "TaskResult",
    "count_kinds",
]

SCHEMA_VERSION: Final = 2

Door = Literal["run", "watch", "count"]
"""How it was measured: tasks of a workload, a program as it is, or records that were there already."""

TaskState = Literal["completed", "failed", "timed_out", "interrupted"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KindCount(_Record):
    """Units of one kind in one task."""

    documented: Decimal = Decimal(0)
    """By the documented reading of the rules."""
    upper: Decimal = Decimal(0)
    """What open questions would add."""
    open: Decimal = Decimal(0)
    """The part of `documented` that open questions might take away."""


class Estimate(_Record):
    """Units that no record shows, at a rate that the user gave. In no count and no ledger."""

    kind: str
    rate: Decimal
    """Units per `per`, as the user gave it."""
    per: str
    """What the rate is of: `task`, `run`, ..."""
    units: Decimal
    """Of all tasks together: the rate times how many there are."""


class TaskResult(_Record):
    """One task on one engine."""

    task: str
    type: str = ""
    """Type of its first workflow, or slug of its first function; empty where a workload made the tasks."""
    cluster: str = ""
    """As its workload said; empty for a task that is like no other."""
    state: TaskState
    error: str = ""
    shape: dict[str, JsonValue] = Field(default_factory=dict)
    covariates: dict[str, float] = Field(default_factory=dict)
    observed: dict[str, float] = Field(default_factory=dict)
    roots: tuple[str, ...] = ()
    """Workflow ids or event ids that the driver made."""
    runs: tuple[str, ...] = ()
    """Every run that descends from them."""
    kinds: dict[str, KindCount] = Field(default_factory=dict)
    measures: dict[str, Decimal] = Field(default_factory=dict)
    """What was measured beside units, by the engine's own names, such as `events` and `bytes`. None of it is a unit."""
    gaps: tuple[Gap, ...] = ()
    counted: bool = True
    """False when no count could be made at all: its zero units are none, and no mean has it."""
    started: AwareDatetime
    ended: AwareDatetime

    @property
    def units(self) -> Decimal:
        """Documented units of the task."""
        return sum((kind.documented for kind in self.kinds.values()), Decimal(0))

    @property
    def units_lower(self) -> Decimal:
        """Units of the task with every open question answered for the user."""
        return sum((kind.documented - kind.open for kind in self.kinds.values()), Decimal(0))

    @property
    def units_upper(self) -> Decimal:
        """Units of the task with every open question answered against the user."""
        return sum((kind.documented + kind.upper for kind in self.kinds.values()), Decimal(0))


class ServerInfo(BaseModel):
    """Which server was measured, recorded with the result."""

    model_config = ConfigDict(frozen=True)

    version: str
    origin: str
    """Where it came from: a program's place in words, or `address` for a server that was already there."""
    tested: bool
    """Whether the project's suites have been run on this version."""
    address: str
    namespace: str = ""
    """The part of the server that this measurement had for itself, where an engine has such."""
    notes: tuple[str, ...] = ()


class EngineResult(_Record):
    """One engine, one variant."""

    engine: str
    unit: str
    variant: str
    state: Literal["measured", "missing", "interrupted"]
    problem: str = ""
    """Why it could not be measured, or why it stopped."""
    server: ServerInfo | None = None
    rulebook: str = ""
    answers: dict[str, Answer] = Field(default_factory=dict)
    """Open questions of the rulebook that were answered otherwise than by default."""
    started: AwareDatetime | None = None
    ended: AwareDatetime | None = None
    tasks: tuple[TaskResult, ...] = ()
    reconciliations: tuple[Reconciliation, ...] = ()
    """The ledger's own proof first; empty when it was not come to."""
    unseen: tuple[str, ...] = ()
    """Billed things that this measurement's sources cannot show, in words; each of them may be missing in the count."""
    estimates: tuple[Estimate, ...] = ()
    """What the user's rates say of such things; shown beside the count, never in it."""
    failed_too: bool = False
    """Whether tasks that failed or timed out are in the means. Those of records, and of a program as it is, are part of
    the work and are billed; those of a workload are meant to complete."""

    @property
    def sample(self) -> tuple[TaskResult, ...]:
        """The tasks that means, intervals and the bill are of: all that completed, or, if none did, that ended."""
        ended = tuple(task for task in self.tasks if task.counted and task.state != "interrupted")
        return ended if self.failed_too else tuple(task for task in ended if task.state == "completed") or ended


class Reached(_Record):
    """What a stopping rule came to on one engine."""

    engine: str
    variant: str
    reached: bool
    batches: tuple[int, ...] = ()
    """Tasks of each batch; after each of them the rule was asked."""
    half_width: float | None = None
    """Half of the interval's length over the mean, at the end, in the wider reading; None when there is no interval."""
    why: str = ""
    """Why it was not reached."""

    @property
    def tasks(self) -> int:
        """Tasks of all batches."""
        return sum(self.batches)


class Stopping(_Record):
    """A measurement that went on until the mean was sure enough."""

    rule: str
    """In words."""
    relative: float
    """Half of the interval's length over the mean at which it stops."""
    level: float
    """Confidence level of the interval."""
    first: int
    """Tasks of the first batch."""
    cap: int
    """Most tasks per engine."""
    engines: tuple[Reached, ...] = ()
    """In the order in which they were measured; empty in a journal."""


class Measurement(_Record):
    """A whole measurement. Raw rows are in `ledger.parquet` beside it, raw records under `records/`."""

    schema_version: Literal[2] = SCHEMA_VERSION
    id: str
    state: Literal["complete", "incomplete"]
    door: Door = "run"
    about: dict[str, JsonValue] = Field(default_factory=dict)
    """Of `watch` and `count`: the command, address, window, query, files; of `run` by path: the workload's file, as
    `source`. Without secrets."""
    workload: str
    seed: int
    task_count: int
    """Tasks per engine that were asked for. With a stopping rule: of the engine with most; in a journal, the cap."""
    stopping: Stopping | None = None
    """None when a fixed number of tasks was measured."""
    concurrency: int
    timeout_seconds: float
    options: dict[str, JsonValue] = Field(default_factory=dict)
    started: AwareDatetime
    ended: AwareDatetime | None = None
    durameter_version: str
    environment: dict[str, JsonValue] = Field(default_factory=dict)
    engines: tuple[EngineResult, ...] = ()
    telemetry_problems: tuple[str, ...] = ()


def count_kinds(units: Iterable[Unit], rules: Rulebook) -> dict[str, KindCount]:
    """Units per kind, both readings, and how much of it depends on open questions."""
    sums: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for unit in units:
        sums[unit.kind][unit.reading] += unit.quantity
        if unit.reading == "documented" and rules.is_open(unit):
            sums[unit.kind]["open"] += unit.quantity
    return {kind: KindCount(**parts) for kind, parts in sorted(sums.items())}


def json_schema() -> dict[str, Any]:
    """The JSON Schema of `measurement.json`."""
    schema = Measurement.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
