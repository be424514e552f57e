"""Splits chunks of bytes, cut anywhere, into lines, in bounded memory."""

from codecs import BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

from services.synthesizer.imports.json_list import list_as_lines
from shared.limits import MAX_LINE

SLICE_LINES = 1024
SLICE_BYTES = 1 << 20
"""A slice ends with the line that reaches either limit."""
_PIECE = 1 << 16


class Line(NamedTuple):
    """A line with its number, from 1. text: None if the line has more than MAX_LINE bytes."""

    number: int
    text: bytes | None


class LineCutter:
    """Splits bytes into lines; stores the beginning of the line that has not ended."""

    def __init__(self) -> None:
        self._number = 1
        self._begun = bytearray()
        self._too_long = False

    def feed(self, data: bytes) -> Iterator[Line]:
        """Add bytes; returns the lines that end in them."""
        *whole, rest = data.split(b"\n")
        for part in whole:
            if self._begun or self._too_long or len(part) > MAX_LINE:
                self._take(part)
                yield self._end()
            else:
                yield Line(self._number, part)
                self._number += 1
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


async def as_utf8(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The bytes as they are; if they begin with the byte order mark of UTF-16, converted to UTF-8.

    What is malformed stays malformed, so that its line is refused.
    """
    begin, decoder = b"", None
    async for chunk in chunks:
        if len(begin) < len(BOM_UTF16_LE):
            chunk = begin = begin + chunk
            if len(begin) < len(BOM_UTF16_LE):
                continue
            if begin.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
                decoder = getincrementaldecoder("utf-16")("surrogatepass")
        yield chunk if decoder is None else decoder.decode(chunk).encode(errors="surrogatepass")
    if len(begin) < len(BOM_UTF16_LE):
        yield begin
    elif decoder is not None and decoder.getstate()[0]:
        yield b"\xff"  # the file ends in the middle of a character


def as_lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The bytes in UTF-8, with each object of a list on a line of its own."""
    return list_as_lines(as_utf8(chunks))


async def slices(chunks: AsyncIterator[bytes]) -> AsyncIterator[list[Line]]:
    """The lines of a file in slices of up to SLICE_LINES and about SLICE_BYTES; an empty file is one empty slice."""
    cutter = LineCutter()
    pending: list[Line] = []
    size, empty = 0, True
    async for chunk in as_lines(chunks):
        for start in range(0, len(chunk), _PIECE):
            for line in cutter.feed(chunk[start : start + _PIECE]):
                pending.append(line)
                size += len(line.text or b"")
                if len(pending) >= SLICE_LINES or size >= SLICE_BYTES:
                    yield pending
                    pending, size, empty = [], 0, False
    pending += cutter.finish()
    if pending or empty:
        yield pending
