"""What may be said to a workflow of the scenarios, and steps that wait for it."""

from temporalio import workflow

__all__ = ["Messages"]


class Messages:
    """State, handlers and the steps `wait` and `hold`."""

    def __init__(self) -> None:
        """Nobody has said anything."""
        self._pokes = 0
        self._finished = False

    @workflow.signal
    def poke(self) -> None:
        """Let one `wait` go on."""
        self._pokes += 1

    @workflow.signal
    def finish(self) -> None:
        """Let `hold` go on."""
        self._finished = True

    @workflow.query
    def pokes(self) -> int:
        """How many pokes are left."""
        return self._pokes

    @workflow.query
    def broken(self) -> int:
        """Fails."""
        raise ValueError("no answer")

    @workflow.update
    async def ask(self, _question: str) -> str:
        """Answer, unless the question is bad."""
        return "answer"

    @ask.validator
    def _ask_validator(self, _question: str) -> None:
        if _question == "bad":
            raise ValueError("no")

    @workflow.update
    async def wait_with_me(self, _question: str) -> str:
        """Answer when the workflow is told to finish."""
        await workflow.wait_condition(lambda: self._finished)
        return "answer"

    async def wait(self) -> None:
        """For one poke."""
        await workflow.wait_condition(lambda: self._pokes > 0)
        self._pokes -= 1

    async def hold(self) -> None:
        """Until told to finish, and until every update is answered."""
        await workflow.wait_condition(lambda: self._finished)
        await workflow.wait_condition(workflow.all_handlers_finished)

    @staticmethod
    def own(name: str) -> str:
        """An id beside this workflow's own."""
        return f"{workflow.info().workflow_id}-{name}"
