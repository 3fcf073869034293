"""What the tap's decoder writes: one row per exchange that says something about runs, steps or events."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

__all__ = [
    "ROW",
    "Operation",
    "WireCheckpoint",
    "WireEvents",
    "WireFunction",
    "WireProblem",
    "WireRequest",
    "WireRow",
    "WireSync",
    "WireUnreached",
]


class Operation(BaseModel):
    """One opcode that an app reported."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    op: str
    """As in `pkg/enums/opcode.go` of the server."""
    id: str
    """The step's: 40 hex digits."""
    name: str = ""
    kind: str = ""
    """What the SDK says the step is, such as `step.sendEvent`; empty where it does not say."""
    sent: tuple[str, ...] = ()
    """Ids of the events that the step sent, as its output says."""
    output_bytes: int = Field(default=0, ge=0)
    """Size of the output that was reported with it, as compact JSON; 0 where there is none."""


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    call: int = Field(ge=0)
    """Sequence number of the exchange in this capture: the evidence. 0 where none can be named."""
    time: AwareDatetime
    """The tap's clock, when the end of the answer passed."""


class WireRequest(_Row):
    """One SDK request, from the server to an app, and what the app answered. Not billed by itself."""

    record: Literal["request"] = "request"
    asked: AwareDatetime
    """When its first bytes passed."""
    function: str
    """Id of the function, as `fnId` names it: app and function."""
    run: str
    step: str
    """The step that the server asks for; `step` where it leaves that to the app."""
    attempt: int = Field(ge=0)
    """From 0, of this piece of the server's queue: it counts failures of a step and of the function alike."""
    job: str = ""
    """The piece of the queue; empty where the server does not tell (1.12)."""
    request: str = ""
    """The server's id of this request; empty where it does not tell (1.12)."""
    status: int = Field(ge=0)
    """Of the reply; of a streamed one, the status that its body says. 0 when none was seen to its end, or none that the
    server takes."""
    operations: tuple[Operation, ...] = ()
    no_retry: bool = False
    retry_after: str = ""
    """As the header says: seconds or a date."""
    state_bytes: int | None = Field(default=None, ge=0)
    """Size of the run's state that the server sent along, as compact JSON: events and outputs of steps. None where it
    sent none, since it was too large (then the app asks for it), or it cannot be told."""
    request_bytes: int = Field(ge=0)
    reply_bytes: int = Field(ge=0)
    """Bodies, as they passed."""


class WireCheckpoint(_Row):
    """Steps that an app reported by a call to the server instead of a reply (checkpointing)."""

    record: Literal["checkpoint"] = "checkpoint"
    run: str
    request: str = ""
    """The SDK request during which it was made; empty for a run that the app itself began."""
    begins: bool = False
    """Whether it begins the run (API-based functions)."""
    status: int = Field(ge=0)
    operations: tuple[Operation, ...] = ()
    request_bytes: int = Field(ge=0)


class WireEvents(_Row):
    """Events that a client or an app sent."""

    record: Literal["events"] = "events"
    names: tuple[str, ...]
    """Of the request, in its order."""
    ids: tuple[str, ...]
    """Of the reply: those that the server took."""
    given: tuple[str, ...] = ()
    """Ids that the sender chose, in order; empty text where it chose none. The server takes each only once."""
    status: int = Field(ge=0)
    request_bytes: int = Field(ge=0)


class WireFunction(BaseModel):
    """One function that an app registered: what starts its runs, and what may keep an event from starting one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    """App and function, as requests name it."""
    events: tuple[str, ...] = ()
    """Names of the events that trigger it; `*` stands for any text."""
    limits: tuple[str, ...] = ()
    """What it declares of: batchEvents, debounce, expression, idempotency, rateLimit, singleton."""


class WireSync(_Row):
    """An app that registered its functions. Not billed."""

    record: Literal["sync"] = "sync"
    app: str
    url: str
    """Where the server will look for it: if that is not the tap, requests will not be seen."""
    functions: tuple[WireFunction, ...]
    status: int = Field(ge=0)
    """0 when no answer was seen to its end."""


class WireUnreached(_Row):
    """A connection that came to nothing, since the program behind the tap could not be reached.

    For a server that opens one connection per request (every version so far), one request.
    """

    record: Literal["unreached"] = "unreached"
    route: str


class WireProblem(_Row):
    """Something that could not be read. Never silently dropped."""

    record: Literal["problem"] = "problem"
    run: str = ""
    what: str
    """In words."""
    grave: bool = True
    """Whether steps or events may be missing because of it; if not, it is only good to know."""


WireRow = WireRequest | WireCheckpoint | WireEvents | WireSync | WireUnreached | WireProblem
ROW: TypeAdapter[WireRow] = TypeAdapter(Annotated[WireRow, Field(discriminator="record")])
