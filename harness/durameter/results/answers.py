"""Open questions about what is billed, answered as the user wants: rows stay, readings change."""

from collections.abc import Mapping
from typing import get_args

from durameter.errors import UsageError
from durameter.results.folder import Result
from durameter.results.model import EngineResult, count_kinds
from durameter_collectors.rulebook import Answer, Rulebook, load_rulebook

__all__ = ["Answers", "answered_rulebook", "parse_answers", "reread"]

Answers = Mapping[str, Mapping[str, Answer]]
"""Engine → switch → answer."""


def answered_rulebook(engine: str, answers: Answers) -> Rulebook:
    """The engine's rulebook with these answers.

    Raises:
        UsageError: the engine has no rulebook, or it has no such question.
    """
    try:
        rules = load_rulebook(engine)
    except FileNotFoundError as error:
        raise UsageError(f"There is no rulebook for {engine}.") from error
    try:
        return rules.answered(answers.get(engine, {}))
    except KeyError as error:
        known = ", ".join(switch.name for switch in rules.switches)
        raise UsageError(f"The rulebook of {engine} has no open question {error}. It has: {known}.") from error


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
            raise UsageError(f"{pair!r} is not ENGINE.QUESTION=billed or =free, such as temporal.patches=billed.")
        answers.setdefault(engine, {})[question] = answer
    return answers


def reread(result: Result, answers: Answers) -> Result:
    """The same measurement with these questions answered otherwise.

    Raises:
        UsageError: as `answered_rulebook`.
    """
    if not answers:
        return result
    books = {
        each.engine: answered_rulebook(each.engine, {each.engine: {**each.answers, **answers.get(each.engine, {})}})
        for each in result.measurement.engines
    }
    units = [
        unit for engine, rules in books.items() for unit in rules.read(u for u in result.units if u.engine == engine)
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
