"""What a watch of Inngest says in words, in one place."""

__all__ = ["UNSEEN", "UNSEEN_WITHOUT_TAP", "usual_port_note"]

UNSEEN = (
    "events that an app sends outside of a step: nothing says which run sent them, and what they start is its own task",
    "apps that use Connect instead of HTTP: their runs are counted from the server's traces alone",
    "runs that the server still held back when the watch ended (debounce, batches, throttles)",
)

UNSEEN_WITHOUT_TAP = (
    "attempts of steps that failed as errors of the function (RetryAfterError in Python): only the wire tells them",
    "whether a planned step was begun: a cancelled or failed run may be counted too high by steps that never were",
    "which steps sent events, published or asked a model by themselves (ai.wrap): they are counted, as step.run",
    "SDK requests, bytes, and events that started no run: no record lists them by run",
    "steps of runs that began before the window; a run that one of them led to counts as a root",
)


def usual_port_note(port: int, why: str) -> str:
    """What to say when the tap cannot listen where programs look by default."""
    return (
        f"port {port} is not free ({why}): a program that has this address in its code, instead of reading INNGEST_DEV "
        "or INNGEST_BASE_URL, is not seen. End what listens there, or let the program read the variable."
    )
