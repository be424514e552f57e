"""Read text that may contain invalid UTF-8 with Arrow's CSV reader.

With invalid UTF-8, the reader drops rows of a wrong length without a report. So invalid bytes are replaced by a mark
before reading, and marks by an invalid byte afterwards.
"""

import codecs
import io
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

_MARK = "\ufdd0"
"""A noncharacter: Unicode reserves it for internal use."""
_CHUNK = 1 << 20

codecs.register_error("mark", lambda error: (_MARK, error.end))  # type: ignore[attr-defined]


class Utf8(io.RawIOBase):
    """The bytes of a stream with _MARK for invalid UTF-8."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("mark")
        self._ready = b""

    def readable(self) -> bool:
        """True."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, at least one before the end; all remaining bytes if `size` is negative."""
        if size < 0:
            return b"".join(iter(lambda: self.read(_CHUNK), b""))
        while not self._ready:
            chunk = self._stream.read(size)
            # Most logs are ASCII and need no decoding.
            plain = chunk.isascii() and self._decoder.getstate()[0] == b"" and bool(chunk)
            self._ready = chunk if plain else self._decoder.decode(chunk, final=not chunk).encode()
            if not chunk:
                break
        taken, self._ready = self._ready[:size], self._ready[size:]
        return taken


def unmarked(column: pa.Array) -> pa.Array:
    """A column with an invalid byte for each mark."""
    mark = _MARK.encode()
    if not pc.any(pc.match_substring(column, mark)).as_py():
        return column
    return pc.replace_substring(column, mark, b"\xff")
