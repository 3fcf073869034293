"""Where a result keeps its scenarios: RESULT/scenarios/NAME/, each a normal result folder with its declaration."""

from pathlib import Path

from pydantic import ValidationError

from durameter.errors import ResultError
from durameter.workload import Scenario

__all__ = ["DECLARATION", "declared_in", "done_scenarios", "scenario_folder", "unfinished_folder"]

DECLARATION = "scenario.json"
_SCENARIOS = "scenarios"
_UNFINISHED = ".unfinished"


def scenario_folder(result: Path, name: str) -> Path:
    """Where a scenario is when it is done."""
    return result / _SCENARIOS / name


def unfinished_folder(result: Path, name: str) -> Path:
    """Where a scenario is while it runs: what is stopped is never taken for a scenario."""
    return result / _SCENARIOS / _UNFINISHED / name


def done_scenarios(result: Path) -> list[Path]:
    """Folders of the scenarios that are done, by name."""
    return sorted(path.parent for path in (result / _SCENARIOS).glob(f"*/{DECLARATION}"))


def declared_in(folder: Path) -> Scenario:
    """What a scenario was when it was run.

    Raises:
        ResultError: it cannot be read.
    """
    try:
        return Scenario.model_validate_json((folder / DECLARATION).read_bytes())
    except (OSError, ValidationError) as error:
        raise ResultError(
            f"{folder / DECLARATION} cannot be read: {error}. Run the scenario again: durameter scenarios --again."
        ) from error
