"""Storage and capacity in words: rows, sentences and assumptions, the same in every format of the report."""

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from durameter.cost.capacity.demand import SECONDS_PER_MONTH, Demand
from durameter.cost.capacity.limits import Nearness
from durameter.cost.prices import words_of
from durameter.registry import plugin_of

__all__ = ["Row", "assumptions", "capacity_rows", "limit_lines"]


class Row(NamedTuple):
    """One line of a table: what, how much, and what that follows from."""

    what: str
    value: str
    why: str


def capacity_rows(found: Demand) -> tuple[Row, ...]:
    """The table of one engine; what was not measured is not in it, and `assumptions` says so."""
    return (*_storage(found), *_rate(found), *_own(found), *_steps(found), *_longest(found))


def _storage(found: Demand) -> Iterator[Row]:
    each = found.per_task
    if found.retained_gbh is not None and each.history_bytes is not None:
        yield Row(
            "retained storage",
            f"{_figure(found.retained_gbh)} GBh a month",
            f"{_bytes(each.history_bytes)} of history per task, kept for {_figure(found.retention_days)} days",
        )
    if found.active_gbh is not None:
        if found.open_hours is not None:
            why = f"open for {_figure(found.open_hours)} hours per task, as given"
        else:
            why = f"open for {_seconds(each.open_seconds or Decimal(0))} per task, as measured"
        yield Row("active storage", f"{_figure(found.active_gbh)} GBh a month, at most", why)


def _rate(found: Demand) -> Iterator[Row]:
    mean, peak = found.mean_aps(), found.peak_aps()
    if mean is not None and peak is not None:
        yield Row(
            f"{found.per_task.unit}s per second",
            f"{_figure(mean)} on average, {_figure(peak)} at the peak",
            f"day shape {found.day.name}: the peak is {_figure(found.day.peak_factor)} times the mean",
        )
    if found.events is not None:
        per_task = found.per_task.events or Decimal(0)
        yield Row("events", f"{_figure(found.events)} a month", f"{_figure(per_task)} per task")


def _own(found: Demand) -> Iterator[Row]:
    """Quantities that only this engine has."""
    for name, value in found.others().items():
        if value is not None and found.volume:
            yield Row(words_of(name), f"{_figure(value)} a month", f"{_figure(value / found.volume)} per task")


def _steps(found: Demand) -> Iterator[Row]:
    mean, most = found.steps_mean_peak, found.concurrent_steps_peak
    if mean is None or most is None:
        return
    seconds = found.step_seconds if found.step_seconds is not None else found.per_task.step_seconds or Decimal(0)
    told = "as given" if found.step_seconds is not None else "as measured"
    yield Row(
        "concurrent steps",
        f"{_figure(most)} in {found.quantile * 100:.4g} % of the peak's time, {_figure(mean)} on average",
        f"{_figure(found.tasks_per_second_peak)} tasks per second at the peak, each at work for {_seconds(seconds)}, "
        f"{told}",
    )


def _longest(found: Demand) -> Iterator[Row]:
    of = f"the most of {found.per_task.tasks} measured tasks"
    needs = found.needs()
    if "history_events" in needs and "history_bytes" in needs:
        text = f"{_figure(needs.pop('history_events'))} events, {_bytes(needs.pop('history_bytes'))}"
        yield Row("longest history", text, of)
    for limit, value in needs.items():
        yield Row(_LONGEST.get(limit, limit.replace("_", " ")), _sized(limit, value), of)


_LONGEST = {
    "steps_per_function": "steps in the longest run",
    "state_bytes": "state of the largest run",
    "step_output_bytes": "largest output of a step",
}
"""What is held against a limit, in words; other limits by their ids."""


def limit_lines(near: tuple[Nearness, ...]) -> tuple[str, ...]:
    """One sentence per limit: what is used of it, what happens, what lifts it and at what price."""
    lines = []
    for each in near:
        of = each.of.removeprefix("bytes ") if each.limit.endswith("_bytes") else each.of  # the unit is with the figure
        state = {"over": "Over the limit", "near": "Near the limit", "within": "Within the limit"}[each.state]
        used, value = _sized(each.limit, each.used), _sized(each.limit, each.value)
        text = f"{state}: {used} {of}; the plan has {value}. Above it: {each.beyond}."
        if each.note:
            text += f" {each.note[0].upper()}{each.note[1:]}."
        text += f" What lifts it: {each.lifted_by}." if each.lifted_by else " Nothing lifts it."
        if each.lifted_by and each.price:
            text += f" At what price: {each.price}."
        lines.append(text)
    return tuple(lines)


def assumptions(found: Demand) -> tuple[str, ...]:
    """What the figures rest on, and what is not known, one sentence each."""
    each = found.per_task
    hours = SECONDS_PER_MONTH / 3600
    parts = _figure(found.day.part_hours)
    lines = [
        (
            f"Day shape {found.day.name}, through a month of {hours:f} hours. Within its parts of {parts} h the rate "
            "is even; for concurrent steps, tasks arrive at random (Poisson)."
        )
    ]
    if each.history_bytes is not None:
        lines.append(
            "Storage is that of the steady state: in the first month of a new workload less is retained. A GB is 10^9 "
            "bytes, a history counts with its last size for the whole time in which it is open, and what schedules and "
            "batch jobs store is not in it."
        )
        if found.open_hours is None:
            lines.append(
                "Active storage is that of the measured tasks, whose waits are shorter than in production: give the "
                "hours for which a task is open to have it for yours."
            )
    if each.step_seconds is not None:
        if found.step_seconds is None:
            lines.append(
                "Time at work is that of the measured tasks, with the model and tools of the measurement: give the "
                "seconds for which a task has steps at work to have it for yours."
            )
        lines.append(
            "Steps that the server itself executes (ai.infer, fetch) are counted as at work, which the vendor leaves "
            "open. Events that the server makes by itself are not in the events."
        )
        if each.dispersion is None:
            lines.append("How many steps of a task are at work at once was not measured: taken as one at a time.")
    lines += _unknown(found)
    lines += [
        f"{name.replace('_', ' ')}: measured of {known} of {each.tasks} tasks only."
        for name, known in each.known_of.items()
    ]
    return tuple(lines)


def _unknown(found: Demand) -> Iterator[str]:
    """What the engine has and this measurement does not know."""
    each = found.per_task
    if (engine := plugin_of(each.engine)) is not None:
        yield from (said for measure, said in engine.capacity_gaps.items() if each.measure(measure) is None)


def _figure(value: Decimal) -> str:
    """Three significant digits, whole numbers whole."""
    if value == value.to_integral_value():
        return f"{value:,.0f}"
    if abs(value) >= 100:
        return f"{value.quantize(Decimal(1), ROUND_HALF_UP):,f}"
    digits = max(2 - value.adjusted(), 0)
    text = f"{value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _sized(name: str, value: Decimal) -> str:
    return _bytes(value) if name.endswith("_bytes") else _figure(value)


def _bytes(value: Decimal) -> str:
    """In powers of 1,000, as storage is billed."""
    for size, name in ((Decimal(10**9), "GB"), (Decimal(10**6), "MB"), (Decimal(10**3), "kB")):
        if value >= size:
            return f"{_figure(value / size)} {name}"
    return f"{_figure(value)} bytes"


def _seconds(value: Decimal) -> str:
    return f"{_figure(value)} s" if value < 7200 else f"{_figure(value / 3600)} h"
