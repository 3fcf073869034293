"""Payloads that were written out as what they hold: `"input": [1]` in place of base64 with its encoding.

So does the web UI where it decodes what it downloads, and a server's own HTTP API.
"""

import base64
import json
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.history.v1 import HistoryEvent

__all__ = ["packed_again"]

_ONE, _MANY = Payload.DESCRIPTOR.full_name, Payloads.DESCRIPTOR.full_name
_JSON = base64.b64encode(b"json/plain").decode()


def packed_again(event: dict[str, Any]) -> dict[str, Any]:
    """An event in JSON whose payloads are all as a server stores them; those that are already are left alone.

    Args:
        event: as it was parsed. It is not changed.
    """
    packed: dict[str, Any] = _message(event, HistoryEvent.DESCRIPTOR)
    return packed


def _message(value: Any, kind: Descriptor) -> Any:
    if kind.full_name == _ONE:
        return _payload(value)
    if kind.full_name == _MANY and isinstance(value, list):
        value = {"payloads": value}
    if not isinstance(value, dict):
        return value
    inside = _fields(kind)
    return {key: _field(each, inside[key]) if key in inside else each for key, each in value.items()}


def _field(value: Any, field: FieldDescriptor) -> Any:
    kind = _message_of(field)
    if kind.GetOptions().map_entry:
        kind = _message_of(kind.fields_by_name["value"])
        return {key: _message(each, kind) for key, each in value.items()} if isinstance(value, dict) else value
    if isinstance(value, list) and kind.full_name != _MANY and field.is_repeated:
        return [_message(each, kind) for each in value]
    return value if value is None else _message(value, kind)


def _payload(value: Any) -> dict[str, Any]:
    """What a server stores of a value; a payload that says its encoding is one already."""
    if isinstance(value, dict) and isinstance(value.get("metadata"), dict) and "encoding" in value["metadata"]:
        return dict(value)
    if value == {}:
        return {}
    return {"metadata": {"encoding": _JSON}, "data": base64.b64encode(json.dumps(value).encode()).decode()}


def _message_of(field: FieldDescriptor) -> Descriptor:
    kind = field.message_type
    if kind is None:
        raise TypeError(f"{field.full_name} is no message")
    return kind


@cache
def _fields(kind: Descriptor) -> dict[str, FieldDescriptor]:
    """Fields in which a payload may be, by each name that JSON has for them."""
    holding = [field for field in kind.fields if field.message_type and _holds(field.message_type, ())]
    return {name: field for field in holding for name in (field.name, field.json_name)}


def _holds(kind: Descriptor, within: tuple[str, ...]) -> bool:
    """Whether a payload may be in it; messages may hold others of their own kind."""
    if kind.full_name in (_ONE, _MANY):
        return True
    if kind.full_name in within:
        return False
    inner = (field.message_type for field in kind.fields if field.message_type)
    return any(_holds(each, (*within, kind.full_name)) for each in inner)
