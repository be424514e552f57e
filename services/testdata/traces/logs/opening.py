"""Open a log. gzip is detected by its first two bytes and decompressed."""

import gzip
import io
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from shared.limits import Budget
from shared.no_links import open_file

_GZIP = b"\x1f\x8b"
_BUFFER = 1 << 20


@contextmanager
def opened(path: Path, budget: Budget, *, random: bool) -> Iterator[tuple[BinaryIO, Callable[[], int]]]:
    """The bytes of the log, and a function that returns how many bytes of the file were read.

    path: without symbolic links. budget: for the bytes that gzip unpacks to.
    random: the reader seeks, as for Parquet; a compressed log is then decompressed to a temporary file first.
    Reading raises EOFError for truncated gzip, BadGzipFile or zlib.error for damaged gzip, and TooManyBytes.
    """
    with open_file(path) as file:
        compressed = file.read(2) == _GZIP
        file.seek(0)
        if not compressed:
            yield file, file.tell
            return
        with gzip.GzipFile(fileobj=file) as plain:
            unpacked = io.BufferedReader(_Counted(plain, budget), _BUFFER)
            if not random:
                yield cast(BinaryIO, unpacked), file.tell
                return
            with tempfile.TemporaryFile(dir=path.parent) as whole:
                shutil.copyfileobj(unpacked, whole, _BUFFER)
                whole.seek(0)
                yield cast(BinaryIO, whole), file.tell


class _Counted(io.RawIOBase):
    """Counts the bytes that are read."""

    def __init__(self, plain: gzip.GzipFile, budget: Budget) -> None:
        self._plain = plain
        self._budget = budget

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._plain.seek(offset, whence)

    def readinto(self, buffer: Any) -> int:
        count = self._plain.readinto(buffer)
        self._budget.spend(count)
        return count
