"""What a test may say: a slip must not pass, and is to be told from a broken limit."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from durameter.errors import UsageError
from durameter.workload import Task

__all__ = ["see_number", "see_plan", "see_words"]

_WORDS = {"per": ("task", "mean", "total"), "reading": ("documented", "upper")}


def see_number(limit: object) -> Decimal:
    """The number of units that was asserted.

    Raises:
        UsageError: it is none.
    """
    try:
        number = Decimal(str(limit))
    except InvalidOperation:
        number = Decimal("NaN")
    if number.is_nan():
        raise UsageError(f"{limit!r} is no number of units.")
    return number


def see_words(**given: str) -> None:
    """Raises UsageError where a word is not one of those that its argument takes."""
    for name, word in given.items():
        if word not in _WORDS[name]:
            raise UsageError(f"{name}={word!r} is not one of {', '.join(map(repr, _WORDS[name]))}.")


def see_plan(tasks: int | Sequence[Task], timeout: float | None, concurrency: int | None) -> None:
    """Raises UsageError where a measurement of this kind would have no task, no time or no place to run."""
    several = [] if isinstance(tasks, int | str) else [*tasks]
    is_number = isinstance(tasks, int) and not isinstance(tasks, bool) and tasks > 0
    if not is_number and not (several and all(isinstance(each, Task) for each in several)):
        raise UsageError(f"tasks={tasks!r} is not how many tasks to measure, or a list of them.")
    again = [name for name, times in Counter(task.id for task in several).items() if times > 1]
    if again:
        raise UsageError(f"Each task needs an id of its own; {again[0]!r} is given twice.")
    if timeout is not None and not 0 < timeout < float("inf"):
        raise UsageError(f"timeout={timeout!r} is no number of seconds for a task.")
    if concurrency is not None and (isinstance(concurrency, bool) or concurrency < 1):
        raise UsageError(f"concurrency={concurrency!r} is not how many tasks may run at once.")
