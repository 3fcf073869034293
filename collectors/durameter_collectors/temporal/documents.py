"""Text with one JSON value, or with several, one after the other, as `>>` puts them into a file."""

import codecs
import json
from collections.abc import Iterator
from typing import Any

__all__ = ["documents", "parsed", "utf8"]

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
