"""The page's figures as JSON inside it, for programs; nobody needs it to read the page."""

from collections.abc import Sequence
from typing import Any

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from durameter.cost.profile import Profile
from durameter.cost.projection import Projection
from durameter.report.measurement import Report
from durameter.report.page.plot_data import counted_tasks
from durameter.results.model import EngineResult

__all__ = ["embedded"]

_PARTS = ("report", "projection", "profiles", "tasks")


def embedded(
    report: Report,
    profiles: Sequence[Profile],
    projection: Projection | None,
    engines: Sequence[EngineResult],
    *,
    room: int,
) -> tuple[dict[str, Markup], tuple[str, ...]]:
    """JSON by name, escaped so that no text in it can end its element, and the names for which there was no room.

    Args:
        report: as `durameter report --json` prints it.
        profiles: as `durameter profile --json` prints them.
        projection: as `durameter project --json` prints it.
        engines: whose counted tasks are the dots of the plots.
        room: bytes. What does not fit is left out, tasks first and the report last.
    """
    content: dict[str, Any] = {
        "report": report.model_dump(mode="json"),
        "projection": projection.model_dump(mode="json") if projection else None,
        "profiles": [profile.model_dump(mode="json") for profile in profiles],
        "tasks": [_tasks(engine) for engine in engines],
    }
    written: dict[str, Markup] = {}
    left_out = []
    for name in _PARTS:
        if content[name]:
            text = htmlsafe_json_dumps(content[name], separators=(",", ":"))
            size = len(text.encode())
            if size <= room:
                written[name] = text
                room -= size
            else:
                left_out.append(name)
    return written, tuple(left_out)


def _tasks(engine: EngineResult) -> dict[str, Any]:
    return {
        "engine": engine.engine,
        "variant": engine.variant,
        "tasks": [
            {
                "task": task.task,
                "state": task.state,
                "units": str(task.units),
                "units_lower": str(task.units_lower),
                "units_upper": str(task.units_upper),
                "covariates": task.covariates,
            }
            for task in counted_tasks(engine)
        ],
    }
