"""Steps that change what the server keeps of the workflow."""

from temporalio import workflow
from temporalio.common import SearchAttributeKey

from durameter_workloads.conformance.temporal.workflows.timer_steps import TimerSteps

__all__ = ["COLOUR", "SIZE", "ChangeSteps"]

COLOUR = SearchAttributeKey.for_keyword("Colour")
SIZE = SearchAttributeKey.for_int("Size")


class ChangeSteps(TimerSteps):
    """Patches, search attributes, memo."""

    async def patch(self) -> None:
        """One patch."""
        workflow.patched("better")

    async def second_patch(self) -> None:
        """Another one, in the same workflow task when nothing comes between."""
        workflow.patched("better still")

    async def patch_too(self) -> None:
        """In a workflow task of its own, when a timer comes before and after it."""
        await self.timer()
        workflow.patched("better too")
        await self.timer()

    async def attributes(self) -> None:
        """Two search attributes by one command."""
        workflow.upsert_search_attributes([COLOUR.value_set("red"), SIZE.value_set(3)])

    async def memo(self) -> None:
        """One entry."""
        workflow.upsert_memo({"note": "new"})
