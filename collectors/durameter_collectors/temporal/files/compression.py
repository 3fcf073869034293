"""Files that may be compressed, by gzip or zstandard: told by how they begin, and read as a stream."""

import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["COMPRESSION_ERRORS", "opened"]

COMPRESSION_ERRORS = (EOFError, zlib.error, gzip.BadGzipFile, zstd.ZstdError)
"""What reading raises when a compressed file is damaged or was cut off."""

_GZIP = b"\x1f\x8b"
_ZSTANDARD = b"\x28\xb5\x2f\xfd"


@contextmanager
def opened(source: Path | bytes) -> "Iterator[tuple[BufferedReader[Any], str]]":
    """Open a file, or what was in it, so that reading gives what it holds, decompressed.

    Yields:
        The stream, and how it was compressed in words (`is gzipped`), or an empty string. Where it is damaged, reading
        raises one of `COMPRESSION_ERRORS`.

    Raises:
        OSError: it cannot be opened.
    """
    with BufferedReader(BytesIO(source)) if isinstance(source, bytes) else source.open("rb") as raw:
        head = raw.peek(len(_ZSTANDARD))[: len(_ZSTANDARD)]
        if head.startswith(_GZIP):
            with gzip.open(raw) as plain, BufferedReader(plain) as stream:
                yield stream, "is gzipped"
        elif head == _ZSTANDARD:
            with zstd.open(raw) as frames, BufferedReader(frames) as stream:
                yield stream, "is compressed by zstandard"
        else:
            yield raw, ""
