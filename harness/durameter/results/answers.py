"""Open questions about what is billed, answered as the user wants: rows stay, readings change."""

from collections.abc import Callable, Mapping
from typing import get_args

from durameter.errors import UsageError
from durameter.results.folder import Result
from durameter.results.model import EngineResult, count_kinds
from durameter_collectors.rulebook import Answer, Rulebook

__all__ = ["Answers", "answered", "parse_answers", "reread"]

Answers = Mapping[str, Mapping[str, Answer]]
"""Engine → switch → answer."""


def answered(rules: Rulebook, answers: Answers) -> Rulebook:
    """A rulebook with the answers for its engine.

    Raises:
        UsageError: it has no such question.
    """
    try:
        return rules.answered(answers.get(rules.engine, {}))
    except KeyError as error:
        known = ", ".join(switch.name for switch in rules.switches)
        raise UsageError(f"The rulebook of {rules.engine} has no open question {error}. It has: {known}.") from error


def parse_answers(pairs: list[str]) -> dict[str, dict[str, Answer]]:
    """Answers from `ENGINE.QUESTION=billed|free`.

    Raises:
        UsageError: one is not of that form.
    """
    answers: dict[str, dict[str, Answer]] = {}
    for pair in pairs:
        name, _, given = pair.partition("=")
        engine, dot, question = name.partition(".")
        answer: Answer | None = next((each for each in get_args(Answer) if each == given), None)
        if not dot or answer is None:
            raise UsageError(f"{pair!r} is not ENGINE.QUESTION=billed or =free, as `durameter rules` prints them.")
        answers.setdefault(engine, {})[question] = answer
    return answers


def reread(result: Result, answers: Answers, rulebook: Callable[[str], Rulebook]) -> Result:
    """The same measurement with these questions answered otherwise.

    Args:
        result: the measurement.
        answers: what is answered otherwise than in the measurement.
        rulebook: gives the rulebook of an engine.

    Raises:
        UsageError: a rulebook has no such question.
    """
    if not answers:
        return result
    books = {
        each.engine: answered(rulebook(each.engine), {each.engine: {**each.answers, **answers.get(each.engine, {})}})
        for each in result.measurement.engines
    }
    units = [
        unit for engine, rules in books.items() for unit in rules.read(u for u in result.ledger if u.engine == engine)
    ]

    def again(found: EngineResult) -> EngineResult:
        rules = books[found.engine]
        kinds = {
            task.task: count_kinds((u for u in units if (u.engine, u.task) == (found.engine, task.task)), rules)
            for task in found.tasks
        }
        tasks = tuple(task.model_copy(update={"kinds": kinds[task.task]}) for task in found.tasks)
        chosen = {**found.answers, **answers.get(found.engine, {})}
        return found.model_copy(update={"tasks": tasks, "answers": chosen})

    engines = tuple(again(each) for each in result.measurement.engines)
    return Result(result.folder, result.measurement.model_copy(update={"engines": engines}), units)
