"""Merge histories and the wire: what one cannot see, the other adds; what both see is named and counted once."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from durameter_collectors.rulebook import Rulebook, load_rulebook
from durameter_collectors.temporal.history import Activity
from durameter_collectors.temporal.runs import CountedRun
from durameter_collectors.temporal.wire.rows import WireAction
from durameter_collectors.units import TaskLabel, Unit

__all__ = ["HIDDEN_RETRIES", "history_units", "is_of", "only_on_wire", "units_on_wire"]

HIDDEN_RETRIES = "retries that no history shows"
"""Name of the correction: they were polled; then the activity ended while it backed off, or was reset to attempt 1."""


def is_of(action: WireAction, runs: Iterable[CountedRun], roots: Iterable[str]) -> bool:
    """Whether an action belongs to a task.

    Args:
        action: what the tap saw.
        runs: every run of the task.
        roots: ids that its driver named; schedules and standalone activities are known only by these.
    """
    if action.subject != "workflow":
        return action.owner in roots
    if action.run:
        return any(action.run == run.link.run for run in runs)
    return any(action.owner == run.link.workflow for run in runs)


def history_units(runs: Sequence[CountedRun], actions: Sequence[WireAction]) -> list[Unit]:
    """Units of histories and descriptions, with the names that only the wire can tell.

    A history shows neither that a start came by update-with-start, nor that a signal to a running workflow came by
    signal-with-start. Quantities stay as the histories have them.

    Args:
        runs: every run of the task.
        actions: what the tap saw of it.
    """
    rules = load_rulebook("temporal")
    by_update = {action.run: action for action in actions if action.rule == "update_with_start"}
    by_start = {action.run for action in actions if action.rule in {"start", "deduplicated_request"}}
    failed = {action.owner: action for action in actions if action.rule == "multi_operation_unstarted"}
    with_start: dict[tuple[str, str], list[WireAction]] = defaultdict(list)
    for action in actions:
        if action.rule == "signal_with_start":
            with_start[action.run, action.cause].append(action)
    units: list[Unit] = []
    for run in runs:
        for known in (unit for unit in run.count.units if unit.rule == "signal_with_start"):
            if with_start[known.run, known.cause]:
                with_start[known.run, known.cause].pop(0)
        for unit in run.count.units:
            if unit.rule == "start" and unit.run in by_update:
                units.append(_renamed(unit, "update_with_start", by_update[unit.run], rules))
            elif unit.rule == "start" and run.link.workflow in failed and unit.run not in by_start and not run.schedule:
                units.append(_renamed(unit, "start_untold", failed[run.link.workflow], rules))
            elif unit.rule == "signal" and with_start[unit.run, unit.cause]:
                # Which of several signals of one name it was makes no difference to the count.
                units.append(_renamed(unit, "signal_with_start", with_start[unit.run, unit.cause].pop(0), rules))
            else:
                units.append(unit)
    return units


def _renamed(unit: Unit, rule_id: str, action: WireAction, rules: Rulebook) -> Unit:
    rule = rules.rule(rule_id)
    evidence = f"{unit.evidence}, call {action.call}"
    return unit.model_copy(update={"rule": rule.id, "kind": rule.kind, "reading": rule.reading, "evidence": evidence})


def only_on_wire(
    runs: Sequence[CountedRun], actions: Sequence[WireAction]
) -> tuple[list[WireAction], list[WireAction]]:
    """What no history of the task has.

    Returns:
        The actions of rules that histories are blind to; and retries of activities that were given up in back-off or
        reset, which are blind spots of single runs.
    """
    rules = load_rulebook("temporal")
    blind = {rule.id for rule in rules.rules if "wire" in rule.sources and "history" not in rule.sources}
    seen = Counter((run.link.run, *retry) for run in runs for retry in run.count.retries)
    hiding = {(run.link.run, activity) for run in runs for activity in run.given_up} | _reset(runs, actions)
    started = {run.link.run for run in runs if any(unit.rule == "start" for unit in run.count.units)}
    never = [a for a in actions if a.rule in blind and not (a.rule == "update_with_start" and a.run in started)]
    lost = []
    for action in actions:
        if action.rule == "activity_retry" and (action.run, action.activity) in hiding:
            attempt = (action.run, action.activity, action.attempt)
            if seen[attempt]:
                seen[attempt] -= 1
            else:
                lost.append(action)
    return never, lost


def _reset(runs: Sequence[CountedRun], actions: Iterable[WireAction]) -> set[tuple[str, str]]:
    """Activities whose attempts began at 1 again: run id and activity id."""
    resets = [action for action in actions if action.rule == "activity_reset"]
    return {
        (run.link.run, activity)
        for run in runs
        for activity in run.count.activities
        for reset in resets
        if reset.owner == run.link.workflow and reset.run in {"", run.link.run} and reset.activity in {"", activity}
    }


def units_on_wire(
    actions: Iterable[WireAction], label: TaskLabel, activities: dict[tuple[str, str], Activity]
) -> list[Unit]:
    """Actions as rows of the ledger.

    Args:
        actions: what the tap saw.
        label: whose units these are.
        activities: what the histories know of activities, by run id and activity id: their steps.
    """
    rules = load_rulebook("temporal")
    units: list[Unit] = []
    for action in actions:
        known = activities.get((action.run, action.activity))
        units += rules.units(
            action.rule,
            label,
            run=action.run,
            cause=action.cause or (known.cause if known else "") or "unnamed",
            step=action.step or (known.step if known else ""),
            attempt=action.attempt,
            times=action.times,
            time=action.time,
            source="wire",
            evidence=f"{action.owner} call {action.call}",
        )
    return units
