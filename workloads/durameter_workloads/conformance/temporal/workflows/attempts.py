"""Workflows that fail before they succeed."""

from temporalio import workflow
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

__all__ = ["Attempts", "Troubled"]

_crashes: dict[str, int] = {}
"""Run id → workflow tasks that failed; kept outside the workflow, which forgets it when it is replayed."""


@workflow.defn
class Attempts:
    """Succeeds in the given attempt of the whole workflow."""

    @workflow.run
    async def run(self, successful: int) -> str:
        """The whole workflow."""
        if workflow.info().attempt < successful:
            raise ApplicationError("not yet", category=ApplicationErrorCategory.BENIGN)
        return "done"


@workflow.defn
class Troubled:
    """Its first workflow tasks fail, not the workflow."""

    @workflow.run
    async def run(self, failures: int) -> str:
        """The whole workflow."""
        run = workflow.info().run_id
        _crashes[run] = _crashes.get(run, 0) + 1
        if _crashes[run] <= failures:
            raise RuntimeError("a bug in the workflow's code: its task fails and is tried again")
        return "done"
