"""Text that may not be UTF-8, for Arrow's CSV reader, which drops rows of a wrong length unseen if they are not.

Bytes that are no UTF-8 are marked on the way in, and are bytes that are no UTF-8 again in the columns that come out.
"""

import codecs
import io
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

_MARK = "\ufdd0"
"""A character that is none: Unicode keeps it for a program's own use."""
_CHUNK = 1 << 20

codecs.register_error("mark", lambda error: (_MARK, error.end))  # type: ignore[attr-defined]


class Utf8(io.RawIOBase):
    """A stream's bytes with _MARK for those that are no UTF-8."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("mark")
        self._ready = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to size bytes, at least one until the end; all that are left for a size below 0."""
        if size < 0:
            return b"".join(iter(lambda: self.read(_CHUNK), b""))
        while not self._ready:
            chunk = self._stream.read(size)
            # Most logs are ASCII, which needs no second look.
            plain = chunk.isascii() and self._decoder.getstate()[0] == b"" and bool(chunk)
            self._ready = chunk if plain else self._decoder.decode(chunk, final=not chunk).encode()
            if not chunk:
                break
        taken, self._ready = self._ready[:size], self._ready[size:]
        return taken


def unmarked(column: pa.Array) -> pa.Array:
    """A column of what was read, with bytes that are no UTF-8 in the place of marks."""
    mark = _MARK.encode()
    if not pc.any(pc.match_substring(column, mark)).as_py():
        return column
    return pc.replace_substring(column, mark, b"\xff")
