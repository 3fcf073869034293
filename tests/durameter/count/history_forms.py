"""One history in every form in which histories lie in files."""

import gzip
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from backports import zstd
from temporalio.api.export.v1 import WorkflowExecution, WorkflowExecutions
from temporalio.api.history.v1 import History
from temporalio.client import WorkflowHistory

STORED = Path(__file__).parents[2] / "collectors" / "temporal" / "histories"
_ENUMS = "EVENT_TYPE|TASK_QUEUE_KIND|CONTINUE_AS_NEW_INITIATOR|PARENT_CLOSE_POLICY|WORKFLOW_TASK_FAILED_CAUSE"


def stored(name: str) -> str:
    """JSON of a history that `make_histories.py` recorded, as the SDK writes it."""
    return json.dumps(json.loads((STORED / f"{name}.json").read_text())["history"])


def old_spelling(text: str) -> str:
    """Enumerations as they were spelled before 2023: `EVENT_TYPE_TIMER_STARTED` as `TimerStarted`."""

    def pascal(match: re.Match[str]) -> str:
        return '"' + "".join(word.capitalize() for word in match[1].split("_")) + '"'

    return re.sub(rf'"(?:{_ENUMS})_([A-Z_]+)"', pascal, text)


def history(text: str) -> History:
    """The protobuf message of a history in JSON."""
    return History(events=WorkflowHistory.from_json("", text).events)


def export(texts: Iterable[str]) -> bytes:
    """What Temporal Cloud would have exported of these histories."""
    return WorkflowExecutions(items=[WorkflowExecution(history=history(text)) for text in texts]).SerializeToString()


FORMS: Mapping[str, Callable[[str], bytes]] = {
    "json": str.encode,
    "old.json": lambda text: old_spelling(text).encode(),
    "pb": lambda text: history(text).SerializeToString(),
    "json.gz": lambda text: gzip.compress(text.encode(), mtime=0),
    "pb.zst": lambda text: zstd.compress(history(text).SerializeToString()),
    "export.pb": lambda text: export([text]),
}
