"""Splits chunks of bytes, cut anywhere, into lines, in bounded memory."""

from codecs import BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import NamedTuple

from services.synthesizer.imports.json_list import list_as_lines
from shared.limits import MAX_LINE

SLICE_LINES = 1024
SLICE_BYTES = 1 << 20
"""A slice ends with the line that reaches either limit."""
_PIECE = 1 << 16


class Lines(NamedTuple):
    """Consecutive lines of a file, of which `first` is the number of the first, from 1.

    texts: without their line feeds; None for one that has more than MAX_LINE bytes.
    """

    first: int
    texts: Sequence[bytes | None]

    def numbered(self) -> Iterator[tuple[int, bytes | None]]:
        """Each line with its number."""
        return enumerate(self.texts, self.first)

    @property
    def size(self) -> int:
        """The bytes of the lines together."""
        return sum(len(text or b"") for text in self.texts)


class LineCutter:
    """Splits bytes into lines; stores the beginning of the line that has not ended."""

    def __init__(self) -> None:
        self._begun = bytearray()
        self._too_long = False

    def feed(self, data: bytes) -> list[bytes | None]:
        """Add up to MAX_LINE bytes; returns the lines that end in them, with None for those that are too long."""
        first, *others = data.split(b"\n")
        self._take(first)
        if not others:
            return []
        lines = [self._end(), *others[:-1]]
        self._take(others[-1])
        return lines

    def finish(self) -> list[bytes | None]:
        """The last line, if the file does not end with a line feed."""
        return [self._end()] if self._begun or self._too_long else []

    def _take(self, part: bytes) -> None:
        if self._too_long or len(self._begun) + len(part) > MAX_LINE:
            self._too_long = True
            self._begun.clear()
        else:
            self._begun += part

    def _end(self) -> bytes | None:
        line = None if self._too_long else bytes(self._begun)
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


async def slices(chunks: AsyncIterator[bytes]) -> AsyncIterator[Lines]:
    """The lines of a file in slices of up to SLICE_LINES and about SLICE_BYTES; an empty file is one empty slice."""
    cutter = LineCutter()
    first, size = 1, 0
    pending: list[bytes | None] = []
    async for chunk in as_lines(chunks):
        for start in range(0, len(chunk), _PIECE):
            for text in cutter.feed(chunk[start : start + _PIECE]):
                pending.append(text)
                size += len(text or b"")
                if len(pending) >= SLICE_LINES or size >= SLICE_BYTES:
                    yield Lines(first, pending)
                    first, size, pending = first + len(pending), 0, []
    pending += cutter.finish()
    if pending or first == 1:
        yield Lines(first, pending)
