"""What histories and the wire read alike: the summary that a workload gave, and what a marker marks.

Both sources name the cause of a unit in the same words, so that their rows can be compared.
"""

from collections.abc import Iterable, Mapping

from pydantic_core import from_json
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.sdk.v1 import UserMetadata

__all__ = ["LOCAL_RETRY_CAP", "PATCH_ATTRIBUTE", "PATCH_MARKERS", "marked", "rule_of_markers", "static_summary"]

PATCH_MARKERS = frozenset({"core_patch", "Version"})
"""Names of the markers by which SDKs record patches and versions."""
_SIDE_EFFECT_MARKERS = frozenset({"SideEffect", "MutableSideEffect"})
PATCH_ATTRIBUTE = "TemporalChangeVersion"
LOCAL_RETRY_CAP = 100
"""Local-activity attempts after the first that are billed per workflow task, at most."""


def static_summary(metadata: UserMetadata) -> str:
    """The static summary that the workload gave, or an empty string (also when it is encrypted)."""
    payload: Payload = metadata.summary
    if payload.metadata.get("encoding") != b"json/plain":
        return ""
    try:
        text = from_json(payload.data)
    except ValueError:
        return ""
    return text if isinstance(text, str) else ""


def marked(name: str, details: Mapping[str, Payloads]) -> str:
    """Type of the local activity that a marker records, or the marker's own name (also when it is encrypted)."""
    for payload in details["data"].payloads if "data" in details else ():
        try:
            data = from_json(payload.data)
        except ValueError:
            continue
        activity = data.get("activity_type") if isinstance(data, dict) else None
        if isinstance(activity, str) and activity:
            return activity
    return name


def rule_of_markers(names: Iterable[str]) -> str:
    """The rule for the markers of one workflow task.

    Args:
        names: of all of them; the patch and side-effect markers of every SDK have names of their own.
    """
    known = set(names) - PATCH_MARKERS
    if not known:
        return "markers_of_patches"
    return "markers_of_side_effects" if known <= _SIDE_EFFECT_MARKERS else "markers"
