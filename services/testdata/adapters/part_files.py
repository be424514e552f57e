"""Files that are written whole or not at all. `write_part` runs in a worker process."""

import io
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import IO, Any, cast

from services.testdata.traces.compiled import compiled, packed
from services.testdata.traces.formats import Format
from services.testdata.traces.parameters import Parameters
from services.testdata.traces.workflow import Workflow
from shared.ids import new_id
from shared.no_links import Place

UNFINISHED = ".unfinished"
"""The extension of unfinished files; their names start with a dot."""


@dataclass(frozen=True, slots=True)
class PartOrder:
    """A part to write.

    first, count: its sessions. metadata: for formats that hold it.
    """

    workflow: Workflow
    parameters: Parameters
    form: Format
    first: int
    count: int
    metadata: Mapping[str, str]
    place: Place
    file: str


@dataclass(frozen=True, slots=True)
class WrittenPart:
    """Counts and checksum of a part. sha256: in hexadecimal."""

    call_count: int
    byte_count: int
    sha256: str


def write_part(order: PartOrder) -> WrittenPart:
    """Generate a part and write its file to disk. Raises OSError."""
    # Import it here, so that the server, which only passes this function on, does not import the compiler.
    from services.testdata.traces.formats.files import write_file

    with order.place.open() as folder, whole_file(folder, order.file) as file:
        sink = Sink(file)
        chain = compiled(packed(order.workflow, order.parameters))
        calls = write_file(chain, order.form, order.first, order.count, cast(IO[bytes], sink), order.metadata)
        return WrittenPart(calls, sink.size, sink.digest.hexdigest())


@contextmanager
def whole_file(folder: int, name: str) -> Iterator[IO[bytes]]:
    """A new file that replaces `name`, and is on disk, when the block ends without an exception; see `whole_files`."""
    with whole_files(folder) as open_file:
        yield open_file(name)


@contextmanager
def whole_files(folder: int) -> Iterator[Callable[[str], IO[bytes]]]:
    """Opens new files, which replace those of their names when the block ends without an exception and all are on disk.

    folder: its descriptor, so that the files are in this folder whatever happens to the path.
    """
    opened: dict[str, tuple[str, IO[bytes]]] = {}
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

    def open_file(name: str) -> IO[bytes]:
        unfinished = f".{name}.{new_id()}{UNFINISHED}"
        opened[name] = unfinished, os.fdopen(os.open(unfinished, flags, 0o666, dir_fd=folder), "wb")
        return opened[name][1]

    try:
        yield open_file
        for _, file in opened.values():
            file.flush()
            os.fsync(file.fileno())
            file.close()
        for name, (unfinished, _) in opened.items():
            os.replace(unfinished, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        for unfinished, file in opened.values():
            with suppress(OSError):
                file.close()
            with suppress(FileNotFoundError):
                os.unlink(unfinished, dir_fd=folder)
        raise
    # The new names may be lost until the folder is on disk.
    os.fsync(folder)


def remove_unfinished(folder: int) -> None:
    """Remove unfinished files; a writer that still runs then fails. folder: its descriptor."""
    for left in os.listdir(folder):
        if left.startswith(".") and left.endswith(UNFINISHED):
            with suppress(FileNotFoundError):
                os.unlink(left, dir_fd=folder)


class Sink(io.RawIOBase):
    """Counts and hashes what it writes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.size = 0
        self.digest = sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._file.write(data)
        self.digest.update(data)
        self.size += len(data)
        return len(data)
