"""What the tap's decoder writes: one row per billable thing that a call did, one per problem."""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

__all__ = ["WireAction", "WireProblem"]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    call: int = Field(ge=0)
    """Sequence number of the call in this capture: the evidence. 0 where no call can be named."""
    time: AwareDatetime
    """The tap's clock, when the call's outcome passed."""
    method: str = ""
    """As in `WorkflowService`, such as `SignalWorkflowExecution`."""
    namespace: str = ""


class WireAction(_Row):
    """Something that a successful call did, that a rule bills or that the server's meter counts."""

    record: Literal["action"] = "action"
    rule: str
    """Id of the rule in the rulebook."""
    meter: str = ""
    """The `action_type` under which the open-source server's meter counts it; empty where it counts nothing."""
    subject: Literal["workflow", "schedule", "activity", "nexus"] = "workflow"
    """What `owner` is the id of; an activity or a Nexus operation is a standalone one."""
    owner: str
    """Workflow id, schedule id, or id of a standalone activity or operation. Empty when it could not be told."""
    run: str = ""
    """Run id; empty where the call names none, which means the run that is current then."""
    cause: str = ""
    """Activity type, signal, query or update name, child's workflow type, ...: low cardinality."""
    step: str = ""
    """The static summary that the workload gave, where the call carries one."""
    activity: str = ""
    """Activity id, for what an activity did."""
    attempt: int = Field(default=1, ge=1)
    times: int = Field(default=1, ge=1)
    """How often the rule applies; other than 1 only for local-activity retries."""


class WireProblem(_Row):
    """Something that could not be read, or that no rule knows. Never silently dropped."""

    record: Literal["problem"] = "problem"
    what: str
    """In words."""
    metered: bool = False
    """Whether it is a call of unknown outcome whose Actions the server's meter counts, all of them: where the meter has
    no more than the wire, the call did nothing."""
    grave: bool = True
    """Whether a unit may be missing because of it; if not, it is only good to know."""
