"""A log's bytes: gzip is told by its first two and undone on the way."""

import gzip
import io
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

_GZIP = b"\x1f\x8b"
_BUFFER = 1 << 20


@contextmanager
def opened(path: Path, *, random: bool) -> Iterator[tuple[BinaryIO, Callable[[], int]]]:
    """The log's bytes, and how many of the file are read.

    random: it is read from places all over, as Parquet is; then what was compressed goes through a temporary file.
    Reading raises EOFError where gzip ends in its middle, BadGzipFile or zlib.error where it is damaged.
    """
    with path.open("rb") as file:
        compressed = file.read(2) == _GZIP
        file.seek(0)
        if not compressed:
            yield file, file.tell
            return
        with gzip.GzipFile(fileobj=file) as plain:
            if not random:
                yield cast(BinaryIO, io.BufferedReader(plain, _BUFFER)), file.tell
                return
            with tempfile.TemporaryFile(dir=path.parent) as whole:
                shutil.copyfileobj(plain, whole, _BUFFER)
                whole.seek(0)
                yield cast(BinaryIO, whole), file.tell
