"""One answered call, and the words in which a rule says what it did."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Generic, Literal, TypeVar

from google.protobuf.message import Message

from durameter_collectors.temporal.wire.rows import WireAction, WireProblem
from durameter_collectors.temporal.wire.tasks import ActivityTask, Memory, WorkflowTask

__all__ = ["Answer", "Known", "Row", "when"]

Req_co = TypeVar("Req_co", bound=Message, covariant=True)
Res_co = TypeVar("Res_co", bound=Message, covariant=True)
Row = WireAction | WireProblem


def when(seconds: float) -> datetime:
    """The tap's clock as a time."""
    return datetime.fromtimestamp(seconds, UTC)


@dataclass(slots=True)
class Known:
    """What earlier calls said, as far as later ones need it. Bounded."""

    tasks: Memory[bytes, WorkflowTask | ActivityTask] = field(default_factory=Memory)
    """By task token."""
    activities: Memory[tuple[str, str, str], ActivityTask] = field(default_factory=Memory)
    """By namespace, workflow and activity id: the latest attempt."""
    steps: Memory[tuple[str, str, str], str] = field(default_factory=Memory)
    """Static summaries of activities, by the same key."""
    signals: Memory[tuple[str, str, str], str] = field(default_factory=Memory)
    """Signals that were taken, by namespace, workflow and request id: one that is sent again is not taken twice."""
    started: Memory[str, str] = field(default_factory=Memory)
    """Runs that a start has made, and by which rule: a server answers a start that is sent again with the same run."""

    def forget(self, token: bytes) -> None:
        """The task of this token has ended."""
        task = self.tasks.get(token)
        self.tasks.forget(token)
        if isinstance(task, ActivityTask):
            self.activities.forget((task.namespace, task.workflow, task.activity))


@dataclass(slots=True)
class Answer(Generic[Req_co, Res_co]):
    """A call that the server answered with success."""

    number: int
    time: float
    method: str
    namespace: str
    request: Req_co
    response: Res_co
    task: WorkflowTask | ActivityTask | None
    """What the request's task token stands for, where it has one and the tap saw it handed out."""
    known: Known
    rows: list[Row]
    status: int = 0
    """gRPC's; other than 0 the call failed, and its response is empty. -1 when it was given up."""

    def action(
        self,
        rule: str,
        *,
        owner: str,
        run: str = "",
        cause: str,
        meter: str = "",
        subject: Literal["workflow", "schedule", "activity", "nexus"] = "workflow",
        step: str = "",
        activity: str = "",
        attempt: int = 1,
        times: int = 1,
    ) -> None:
        """The call did this."""
        self.rows.append(
            WireAction(
                call=self.number,
                time=when(self.time),
                method=self.method,
                namespace=self.namespace,
                rule=rule,
                meter=meter,
                subject=subject,
                owner=owner,
                run=run,
                cause=cause or "unnamed",
                step=step,
                activity=activity,
                attempt=attempt,
                times=times,
            )
        )

    def problem(self, what: str) -> None:
        """Something of the call could not be read, or no rule knows it."""
        self.rows.append(
            WireProblem(call=self.number, time=when(self.time), method=self.method, namespace=self.namespace, what=what)
        )
