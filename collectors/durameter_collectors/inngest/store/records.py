"""Runs and steps as the dev server's database has them, whichever of its tables speaks."""

from dataclasses import dataclass, field

__all__ = ["StoredRun", "StoredStep"]


@dataclass(slots=True)
class StoredStep:
    """One step of a run."""

    name: str
    rule: str
    attempts: int = 1


@dataclass(slots=True)
class StoredRun:
    """One run, as the database has it."""

    function: str
    """Its slug, where the database names it."""
    status: str = ""
    """Such as `COMPLETED`; empty while it goes on."""
    steps: dict[str, StoredStep] = field(default_factory=dict)
    """By step id: those that were begun."""
    planned: dict[str, str] = field(default_factory=dict)
    """Names by step id of steps that were planned and never begun."""
    requests: int = 0
    """SDK requests, as the server counts them."""
    unanswered: int = 0
    """Those that got no reply; the server counts also some that it then did not send, since the run had ended."""
    function_retries: int = 0
    """Requests that tried again what had failed, and that no step's attempts show."""
    problems: list[str] = field(default_factory=list)

    @property
    def skipped(self) -> bool:
        """Whether it never began."""
        return self.status == "SKIPPED"
