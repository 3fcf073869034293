"""A streamed answer cut into batches."""

from collections.abc import Awaitable, Callable

__all__ = ["Batches"]


class Batches:
    """Hands on what each interval of a stream brought, by the stream's own clock, so that jitter moves no batch."""

    def __init__(self, interval_ms: int, leave: Callable[[str], Awaitable[None]]) -> None:
        self._interval_ms = interval_ms
        self._leave = leave
        self._interval = 0
        self._text = ""

    async def take(self, offset_ms: int, text: str) -> None:
        """One piece of text, which came `offset_ms` after the stream began."""
        interval = offset_ms // self._interval_ms
        if interval != self._interval:
            await self.flush()
        self._interval = interval
        self._text += text

    async def flush(self) -> None:
        """Hand on what waits, if anything does."""
        text, self._text = self._text, ""
        if text:
            await self._leave(text)
