"""Files that are there whole or not at all. `write_part` runs in a process of `shared.compute`."""

import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, cast

from services.testdata.traces.compiled import compiled, packed
from services.testdata.traces.formats import Format
from services.testdata.traces.parameters import Parameters
from services.testdata.traces.workflow import Workflow
from shared.ids import new_id

UNFINISHED = ".unfinished"
"""What the names of files end with that are not whole; they begin with a dot."""


@dataclass(frozen=True, slots=True)
class PartOrder:
    """A part to be written.

    first, count: its sessions. metadata: what the file says of itself, if it can. path: the file's.
    server: the id of the process that wants it.
    """

    workflow: Workflow
    parameters: Parameters
    form: Format
    first: int
    count: int
    metadata: Mapping[str, str]
    path: str
    server: int


@dataclass(frozen=True, slots=True)
class WrittenPart:
    """What a part came to. sha256: in hexadecimal."""

    call_count: int
    byte_count: int
    sha256: str


def write_part(order: PartOrder) -> WrittenPart:
    """Generate a part into its file, which is on disk when this returns. Raises OSError."""
    # Here, so that the server, which only names this function, never imports the compiler behind it.
    from services.testdata.traces.formats.files import write_file

    with whole_file(Path(order.path)) as file:
        sink = _Sink(file, order.server)
        chain = compiled(packed(order.workflow, order.parameters))
        calls = write_file(chain, order.form, order.first, order.count, cast(IO[bytes], sink), order.metadata)
        return WrittenPart(calls, sink.size, sink.digest.hexdigest())


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to be written that takes the place of path, and is on disk, when the block ends without an exception."""
    unfinished = path.with_name(f".{path.name}.{new_id()}{UNFINISHED}")
    try:
        with unfinished.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    # Until its folder is on disk a new name may be lost.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def remove_unfinished(folder: Path) -> None:
    """Remove what interrupted writers have left; one that is still at work then fails to finish."""
    for left in folder.glob(f".*{UNFINISHED}"):
        left.unlink(missing_ok=True)


class _Sink(io.RawIOBase):
    """Counts and digests what it passes on, for as long as the server lives that wants it."""

    def __init__(self, file: IO[bytes], server: int) -> None:
        self._file = file
        self._server = server
        self.size = 0
        self.digest = sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        # A server that is killed leaves its workers behind. The next one orders the part again.
        if os.getppid() != self._server:
            raise SystemExit("the server that wanted the part is gone")
        self._file.write(data)
        self.digest.update(data)
        self.size += len(data)
        return len(data)
