"""By which names a variant's app, functions and events are known on the server."""

from dataclasses import dataclass

__all__ = ["Names", "names_of"]


@dataclass(frozen=True)
class Names:
    """Names of one variant. No two variants share one, so that several can be measured on one server."""

    app: str
    conversation_started: str
    """The first message of a conversation that is one run."""
    message_received: str
    case_handed_over: str
    refund_decided: str


def names_of(variant: str) -> Names:
    """The names of a variant; the default has the plain ones."""
    plain = variant == "run_per_message"
    # An app's id must not begin with another's and a dash: functions are told apart by that.
    app = "durameter-support-agent" if plain else f"durameter-support-{variant.replace('_', '-')}"
    prefix = "support" if plain else f"support-{variant.replace('_', '-')}"
    return Names(
        app=app,
        conversation_started=f"{prefix}/conversation.started",
        message_received=f"{prefix}/message.received",
        case_handed_over=f"{prefix}/case.handed_over",
        refund_decided=f"{prefix}/refund.decided",
    )
