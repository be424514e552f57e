"""Lines out of chunks of bytes that were cut anywhere, in bounded memory."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

MAX_LINE = 4 << 20
"""Bytes of a line at most; a longer one is passed over."""
SLICE_LINES = 256
SLICE_BYTES = 1 << 20
"""A slice ends with the line that reaches either."""
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its number from 1; text is None for one of more than MAX_LINE bytes."""

    number: int
    text: bytes | None


class LineCutter:
    """Cuts lines as their bytes come in; holds the beginning of one line."""

    def __init__(self) -> None:
        self._number = 1
        self._begun = bytearray()
        self._too_long = False

    def feed(self, data: bytes) -> Iterator[Line]:
        """The lines that end within data."""
        *whole, rest = data.split(b"\n")
        for part in whole:
            self._take(part)
            yield self._end()
        self._take(rest)

    def finish(self) -> Iterator[Line]:
        """The last line, if the file does not end with a line feed."""
        if self._begun or self._too_long:
            yield self._end()

    def _take(self, part: bytes) -> None:
        if self._too_long or len(self._begun) + len(part) > MAX_LINE:
            self._too_long = True
            self._begun.clear()
        else:
            self._begun += part

    def _end(self) -> Line:
        line = Line(self._number, None if self._too_long else bytes(self._begun))
        self._number += 1
        self._too_long = False
        self._begun.clear()
        return line


async def slices(chunks: AsyncIterator[bytes]) -> AsyncIterator[list[Line]]:
    """The lines of a file in slices of up to SLICE_LINES and about SLICE_BYTES; one empty slice for an empty file."""
    cutter = LineCutter()
    held: list[Line] = []
    size, empty = 0, True
    async for chunk in chunks:
        for start in range(0, len(chunk), _PIECE):
            for line in cutter.feed(chunk[start : start + _PIECE]):
                held.append(line)
                size += len(line.text or b"")
                if len(held) >= SLICE_LINES or size >= SLICE_BYTES:
                    yield held
                    held, size, empty = [], 0, False
    held += cutter.finish()
    if held or empty:
        yield held
