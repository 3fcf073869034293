"""What stands against believing a projection, in words: the first thing that it says."""

from collections.abc import Sequence
from typing import Final

from durameter.cost.projection.sample import Sample
from durameter.results.model import Measurement

__all__ = ["FEW_GROUPS", "headline", "refused", "troubles"]

FEW_GROUPS: Final = 5
"""With fewer groups of tasks an interval of the mean is hardly one: the coverage was measured from 5 on."""


def refused(sample: Sample) -> str:
    """Why no dollars are given, as in the report: two sources differ. Empty if they may be given."""
    wrong = [found for found in sample.result.reconciliations if found.state == "differs"]
    if not wrong:
        return ""
    which = "; ".join(f"{found.source} and {found.other} differ" for found in wrong)
    return f"the count is not proved ({which}, and no rule explains it)"


def troubles(sample: Sample) -> tuple[str, ...]:
    """What is wrong with one engine's figures, most serious first; empty if nothing is."""
    result = sample.result
    said = []
    if why := refused(sample):
        said.append(f"do not believe these counts, no dollars are given: {why}")
    if result.state != "measured":
        said.append(f"{result.state}: {result.problem or 'no reason was recorded'}")
    if not sample.tasks:
        return (*said, "no task was counted: there is nothing to project")
    if not result.failed_too and all(task.state != "completed" for task in sample.tasks):
        said.append(f"no task completed: the figures are of {len(sample.tasks)} that failed or timed out")
    if sample.lost:
        of = len(sample.result.tasks)
        said.append(f"{sample.lost} of {of} tasks did not complete and are in no figure")
    if gaps := sum(bool(task.gaps) for task in sample.tasks):
        said.append(f"the count of {gaps} task{'s' if gaps > 1 else ''} has gaps")
    checks = result.reconciliations
    if not refused(sample) and (not checks or any(found.state == "not checked" for found in checks)):
        said.append("counted, but not proved: an independent source is missing")
    if sample.groups < FEW_GROUPS:
        alike = "" if sample.groups == len(sample.tasks) else " that are not alike"
        said.append(
            f"{sample.groups} task{'s' if sample.groups > 1 else ''}{alike}: "
            + (
                "how much tasks differ is not known, no interval can be given"
                if sample.groups < 2
                else "too few to be sure"
            )
        )
    return tuple(said)


def headline(measurement: Measurement, samples: Sequence[Sample]) -> tuple[str, bool]:
    """The first line, and whether it has nothing to complain of."""
    found = [(sample.result.engine, troubles(sample)) for sample in samples]
    said = ["the measurement is not complete: it holds what was counted until it stopped"]
    said = said if measurement.state != "complete" else []
    every = [set(lines) for _, lines in found]
    for line in dict.fromkeys(line for _, lines in found for line in lines):
        engines = [engine for engine, lines in found if line in lines]
        said.append(line if len(engines) == len(every) else f"{', '.join(engines)}: {line}")
    if not said:
        return "Independent sources agree on every kind of unit.", True
    text = ". ".join(said)
    return f"{text[0].upper()}{text[1:]}.", False
