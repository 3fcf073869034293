"""Text with one JSON value, or with several, one after the other, as `>>` puts them into a file."""

import base64
import codecs
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.history.v1 import HistoryEvent

__all__ = [
    "documents",
    "parsed",
    "utf8",
    "with_encoded_payloads",
]

# Payloads that were written out as what they hold: `"input": [1]` in place of base64 with its encoding.

_ONE, _MANY = Payload.DESCRIPTOR.full_name, Payloads.DESCRIPTOR.full_name
_JSON = base64.b64encode(b"json/plain").decode()


def with_encoded_payloads(event: dict[str, Any]) -> dict[str, Any]:
    """An event in JSON whose payloads are all as a server stores them; those that are already are left alone.

    Args:
        event: as it was parsed. It is not changed.
    """
    encoded: dict[str, Any] = _message(event, HistoryEvent.DESCRIPTOR)
    return encoded


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


_BOMS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",  # begins as that of UTF-16, and so comes before it
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def utf8(data: bytes) -> bytes:
    """Text without its byte order mark, in UTF-8. What has no such mark is left as it is.

    A shell may write others: `>` of Windows PowerShell 5 makes UTF-16.

    Raises:
        ValueError: it is not in the encoding that its mark says.
    """
    for mark, encoding in _BOMS.items():
        if data.startswith(mark):
            return data.removeprefix(mark) if encoding == "utf-8" else data.decode(encoding).encode()
    return data


def parsed(text: str | bytes) -> object:
    """One JSON value.

    Raises:
        ValueError: it is damaged, was cut off, or says something twice.
        RecursionError: it is nested too deeply.
    """
    return json.loads(text, object_pairs_hook=_each_once)


def documents(data: bytes) -> Iterator[object]:
    """Each value of a text, or a `ValueError` for a place that has none: it goes on at the next line that opens one.

    Args:
        data: values one after the other, on lines of their own or not, however each is laid out.
    """
    text = data.decode("utf-8", "surrogateescape")
    decoder = json.JSONDecoder(object_pairs_hook=_each_once)
    place = _next_value(text, 0)
    while place < len(text):
        try:
            found, end = decoder.raw_decode(text, place)
            text[place:end].encode()  # a byte that was no text is damage
        except (ValueError, RecursionError) as error:
            yield ValueError(str(error))
            place = min((at for at in (text.find("\n{", place), text.find("\n[", place)) if at >= 0), default=len(text))
        else:
            yield found
            place = end
        place = _next_value(text, place)


def _next_value(text: str, place: int) -> int:
    while place < len(text) and (text[place].isspace() or text[place] == "\ufeff"):  # each file had its mark
        place += 1
    return place


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys differ: of two lists of events the reader would drop one.

    Raises:
        ValueError: a key is there twice.
    """
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("an object has a key twice")
    return made
