"""Reads a file that is one JSON list of objects as if each object were a line, in bounded memory."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator

_LIST = re.compile(rb"(?:\xef\xbb\xbf)?\s*\[\s*(?=[{\]])")
"""How a list of objects begins."""
_UNDECIDED = re.compile(rb"(?:\xef\xbb\xbf|\xef\xbb|\xef)?\s*\[?\s*")
"""The beginnings that need more bytes."""
_MOST_BLANK = 1 << 16
_PIECE = 1 << 12
_REST_OF_TEXT = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+(?P<end>")?', re.DOTALL)
_WHOLE_TEXT = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_FLAT_OBJECT = rb'\{(?:[^"{}\[\]]++|' + _WHOLE_TEXT + rb")*+\}"
_WITHIN_ITEM = re.compile(rb'(?:[^"{}\[\]]++|' + _WHOLE_TEXT + rb"|" + _FLAT_OBJECT + rb")*+", re.DOTALL)
_BETWEEN_ITEMS = re.compile(rb'(?:[^"{}\[\],]++|' + _WHOLE_TEXT + rb"|" + _FLAT_OBJECT + rb")*+", re.DOTALL)
"""What can be skipped at once; after it is a bracket, a comma, a text that the bytes cut, or their end."""


async def list_as_lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The bytes as they are; or of a list of objects, its objects, each on a line of its own."""
    begin, cutter, decided = b"", None, False
    async for chunk in chunks:
        if not decided:
            chunk = begin = begin + chunk
            if _UNDECIDED.fullmatch(begin) and len(begin) < _MOST_BLANK:
                continue
            decided = True
            if found := _LIST.match(begin):
                cutter, chunk = _ListCutter(), begin[found.end() :]
        if cutter is None:
            yield chunk
            continue
        for start in range(0, len(chunk), _PIECE):
            yield b"".join(cutter.feed(chunk[start : start + _PIECE]))
            await asyncio.sleep(0)  # a piece with nothing but brackets takes milliseconds
    if not decided:
        yield begin


class _ListCutter:
    """Turns what follows the bracket of a list into lines: a comma between items into a line feed."""

    def __init__(self) -> None:
        self._depth = 1
        self._in_text = False
        self._escaped = False
        self._ended = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The lines of more bytes of the file."""
        start = at = 0
        while self._depth and at < len(data):
            if self._in_text:
                at = self._skip_text(data, at)
                continue
            skipped = (_BETWEEN_ITEMS if self._depth == 1 else _WITHIN_ITEM).match(data, at)
            assert skipped is not None
            at = skipped.end() + 1
            if self._take(data[at - 1 : at]):
                yield _on_one_line(data[start : at - 1])
                yield b"\n" if self._depth else b""
                start = at
        if self._depth:
            yield _on_one_line(data[start:])
        else:
            yield self._behind(data[start:])

    def _skip_text(self, data: bytes, at: int) -> int:
        """Where the text ends, or the bytes do."""
        found = _REST_OF_TEXT.match(data, at + self._escaped)
        assert found is not None
        # A backslash at the very end escapes the first of the next bytes.
        self._escaped = found.end() < len(data) and not found["end"]
        self._in_text = not found["end"]
        return len(data) if self._in_text else found.end()

    def _take(self, token: bytes) -> bool:
        """True if an item ends here. token: empty at the end of the bytes."""
        match token:
            case b'"':
                self._in_text = True
            case b"[" | b"{":
                self._depth += 1
            case b"]" | b"}":
                self._depth -= 1
        return token == b"," or not self._depth

    def _behind(self, data: bytes) -> bytes:
        """What follows the list, on lines of its own."""
        if self._ended:
            return data
        rest = data.lstrip()
        self._ended = bool(rest)
        return b"\n" + rest if rest else b""


def _on_one_line(data: bytes) -> bytes:
    return data.replace(b"\n", b" ").replace(b"\r", b" ")
