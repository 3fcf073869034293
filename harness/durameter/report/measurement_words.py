"""Sentences that every format of a report uses."""

from collections.abc import Callable
from decimal import Decimal

from durameter.cost.statistics.records import Certainty
from durameter.formatting import count, dollars, plain, span
from durameter.report.intervals import Spread, mean_interval_words, needed_words, next_task_words, rule_words
from durameter.report.measurement import EngineReport, Month, Report

_MOST_PLACES = 5
_MEASURES = {
    "sdk_requests": "SDK requests per task (free)",
    "events": "events per task (priced apart)",
    "bytes": "bytes to and from the app per task",
}

__all__ = ["check", "comparison", "differences", "estimated", "headline", "per_task", "worth_knowing"]


def headline(report: Report) -> str:
    """`5 tasks, seed 0`, or where the tasks came from."""
    tasks = f"{report.tasks:,} task{'' if report.tasks == 1 else 's'}"
    ways = {"run": f"seed {report.seed}", "watch": "of a program as it is", "count": "from records"}
    return f"{tasks}, {ways[report.door]}"


def estimated(engine: EngineReport) -> list[str]:
    """Units by rates that the user gave, which no figure of the count has."""
    return [
        f"{each.kind}: {plain(each.units)} by a rate of {plain(each.rate)} per {each.per} that you gave"
        for each in engine.estimates
    ]


def per_task(spread: Spread | None) -> str:
    """`38.3 (19–70)`."""
    return "–" if spread is None else f"{count(spread.mean)} ({span(spread.low, spread.high)})"


def check(engine: EngineReport) -> str:
    """What the sources say of each other."""
    if not engine.reconciliations:
        return "not reached"
    wrong = [found for found in engine.reconciliations if found.state == "differs"]
    if wrong:
        return "; ".join(f"{found.source} and {found.other} DIFFER" for found in wrong)
    kinds = " kinds"
    words: list[str] = []
    for found in engine.reconciliations:
        if found.independent and found.state == "agrees":
            several = f" in all {len(found.lines)}{kinds}" if len(found.lines) > 1 else ""
            words.append(f"{found.source} = {found.other}{several}")
            kinds = "" if several else kinds
        elif found.independent:
            words.append(f"no second source ({found.other})")
    return ", ".join(dict.fromkeys(words))


def differences(engine: EngineReport) -> list[str]:
    """What is unexplained first, then what named rules explain, line by line."""
    found = engine.reconciliations
    lines = [
        f"UNEXPLAINED {line.kind}: {each.source} {plain(line.ours)}, {each.other} {plain(line.other)}, "
        f"left {plain(line.unexplained)}" + (f"; in {_some(line.where)}" if line.where else "")
        for each in found
        for line in each.lines
        if line.unexplained or line.where
    ]
    lines += dict.fromkeys(note for each in found for note in each.notes)
    lines += [
        f"explained {line.kind}: {each.other} has {plain(units)} {'more' if units > 0 else 'fewer'} "
        f"than {each.source} by {name}"
        for each in found
        for line in each.lines
        for name, units in line.corrections.items()
        if not line.unexplained
    ]
    return lines


def _some(places: tuple[str, ...]) -> str:
    shown = ", ".join(places[:_MOST_PLACES])
    return shown if len(places) <= _MOST_PLACES else f"{shown} and {len(places) - _MOST_PLACES} more"


def comparison(report: Report) -> list[tuple[str, list[str]]]:
    """The table that puts the engines side by side: a label, and a cell per engine."""
    engines = report.engines
    volume = plain(report.volume)
    rows: list[tuple[str, list[str]]] = [
        ("variant", [each.variant for each in engines]),
        ("server", [each.server.version if each.server else "–" for each in engines]),
        ("tasks", [_tasks(each, _planned(report, each)) for each in engines]),
        ("units per task", [per_task(each.per_task) for each in engines]),
    ]
    if any(each.month_upper for each in engines):
        rows.append(("… if open questions are billed", [_upper(each) for each in engines]))
    rows += _sureness(report)
    if any(each.per_task_others for each in engines):
        rows.append(("… of tasks that did not complete", [per_task(each.per_task_others) for each in engines]))
    for name, words in _MEASURES.items():
        if any(name in each.measures for each in engines):
            rows.append((words, [count(each.measures[name]) if name in each.measures else "–" for each in engines]))
    rows += [
        (f"units per month at {volume} tasks", [_month_units(each) for each in engines]),
        ("cheapest plan that fits", [_range(each, _plan) for each in engines]),
        ("dollars per month", [_range(each, lambda month: dollars(month.dollars)) for each in engines]),
        ("dollars per 1,000 tasks", [_range(each, lambda month: _thousand(month, report.volume)) for each in engines]),
        ("count checked", [check(each) for each in engines]),
    ]
    return rows


def _sureness(report: Report) -> list[tuple[str, list[str]]]:
    """How sure the means above are, and what one task may cost."""
    engines = report.engines
    sure = [each.certainty for each in engines]
    first = next((each for each in sure if each is not None), None)
    if first is None:
        return []
    level = f"{first.mean.level * 100:g} %"
    rows = [(f"mean, {level} interval", [mean_interval_words(each) for each in sure])]
    uppers = [each.certainty_upper for each in engines]
    upper_label = "… if open questions are billed"
    opened = any(uppers)
    rows += [(upper_label, [_open(each, mean_interval_words) for each in uppers])] if opened else []
    rows.append((f"one further task, {level} interval", [next_task_words(each) for each in sure]))
    rows += [(upper_label, [_open(each, next_task_words) for each in uppers])] if opened else []
    widths = " / ".join(f"±{each.relative * 100:g} %" for each in first.needed)
    rows.append((f"further tasks for {widths}", [needed_words(each) for each in sure]))
    if report.stopping is not None:
        rule = report.stopping
        label = f"until ±{rule.relative * 100:g} %, at most {rule.cap} tasks"
        rows.append((label, [rule_words(rule, each.engine, each.variant) for each in engines]))
    return rows


def _open(upper: Certainty | None, show: Callable[[Certainty], str]) -> str:
    return "none open" if upper is None else show(upper)


def _tasks(engine: EngineReport, planned: int) -> str:
    if engine.state == "missing":
        return "engine missing"
    states = ", ".join(f"{n} {state.replace('_', ' ')}" for state, n in sorted(engine.task_states.items())) or "none"
    known = sum(engine.task_states.values())
    return states if known == planned else f"{states} of {planned}"


def _planned(report: Report, engine: EngineReport) -> int:
    """Tasks that were asked for on this engine: with a stopping rule, those of its batches."""
    if report.stopping is None:
        return report.tasks
    return next((each.tasks for each in report.stopping.engines if each.engine == engine.engine), report.tasks)


def _upper(engine: EngineReport) -> str:
    return per_task(engine.per_task_upper) if engine.month_upper else "none open"


def _month_units(engine: EngineReport) -> str:
    return _range(engine, lambda month: plain(month.units))


def _plan(month: Month) -> str:
    return f"{month.plan} ({month.price_book})" if month.plan else "none has a price"


def _thousand(month: Month, volume: Decimal) -> str:
    return "not priced" if month.dollars is None or not volume else dollars(month.dollars / volume * 1000)


def _range(engine: EngineReport, show: Callable[[Month], str]) -> str:
    """The documented reading, and the upper one where it reads differently."""
    if engine.month is None:
        return "–"
    if any(found.state == "differs" for found in engine.reconciliations):
        return "count not proved"
    low = show(engine.month_lower) if engine.month_lower else show(engine.month)
    high = show(engine.month_upper) if engine.month_upper else show(engine.month)
    return low if low == high else f"{low} – {high}"


def worth_knowing(report: Report) -> list[str]:
    """Plans without a price, differences that rules explain, and warnings."""
    lines: list[str] = []
    for engine in report.engines:
        if engine.month is not None and not engine.month.plan:
            lines.append(f"{engine.engine}: {engine.month.why_not_priced}")
        elif engine.month is not None and engine.month.left_out:
            lines.append(f"{engine.engine} plans without a price at this volume: {'; '.join(engine.month.left_out)}")
        if engine.month is not None:
            lines += [f"{engine.engine}, {line}" for line in engine.month.limits]
        if engine.proved:
            lines += [f"{engine.engine}: {line}" for line in differences(engine)]
    return [*lines, *report.warnings]
