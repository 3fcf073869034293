"""Files that may be compressed, by gzip or zstandard: told by how they begin, and read as a stream."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, BytesIO, RawIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import zstandard

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["PACKING_ERRORS", "opened"]

PACKING_ERRORS = (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError)
"""What reading raises when a compressed file is damaged or was cut off."""

_GZIP = b"\x1f\x8b"
_ZSTANDARD = b"\x28\xb5\x2f\xfd"
_CHUNK = 16 * 1024
"""Packed bytes at once; what they unpack to is held in memory."""


@contextmanager
def opened(source: Path | bytes) -> "Iterator[tuple[BufferedReader[Any], str]]":
    """Open a file, or what was in it, so that reading gives what it holds, unpacked.

    Yields:
        The stream, and how it was packed in words (`is gzipped`), or an empty string. Where it is damaged, reading
        raises one of `PACKING_ERRORS`.

    Raises:
        OSError: it cannot be opened.
    """
    with BufferedReader(BytesIO(source)) if isinstance(source, bytes) else source.open("rb") as raw:
        head = raw.peek(len(_ZSTANDARD))[: len(_ZSTANDARD)]
        if head.startswith(_GZIP):
            with gzip.open(raw) as packed, BufferedReader(packed) as stream:
                yield stream, "is gzipped"
        elif head == _ZSTANDARD:
            with BufferedReader(_Zstandard(raw)) as stream:
                yield stream, "is compressed by zstandard"
        else:
            yield raw, ""


class _Zstandard(RawIOBase):
    """Frames, one after the other. The library's own reader ends in silence where a file was cut off."""

    def __init__(self, packed: BinaryIO) -> None:
        self._packed = packed
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._begun = False
        self._left = b""
        """Packed bytes of the next frame, read with the last one."""
        self._data = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        while not self._data:
            packed = self._left or self._packed.read(_CHUNK)
            self._left = b""
            if not packed:
                if self._begun and not self._frame.eof:
                    raise EOFError("it ends within a frame")
                return 0
            if self._frame.eof:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            self._begun = True
            self._data = memoryview(self._frame.decompress(packed))
            self._left = self._frame.unused_data
        into = memoryview(buffer).cast("B")
        size = min(len(into), len(self._data))
        into[:size] = self._data[:size]
        self._data = self._data[size:]
        return size
