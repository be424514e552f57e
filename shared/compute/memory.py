"""The memory of a worker process. Linux only: elsewhere nothing is limited or measured."""

import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LINUX = sys.platform == "linux"


@contextmanager
def limited_memory(most: int) -> Iterator[None]:
    """Let this process take up to `most` bytes; beyond that an allocation fails, usually as MemoryError.

    RLIMIT_DATA counts what the process may write to. RLIMIT_AS would count libraries and reserved addresses, too.
    """
    if not _LINUX:
        yield
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def data_bytes() -> int:
    """What this process holds of the memory that `limited_memory` limits; 0 if unknown."""
    return _statm(5)


def resident_bytes() -> int:
    """The memory that this process has; 0 if unknown."""
    return _statm(1)


def _statm(column: int) -> int:
    if not _LINUX:
        return 0
    return int(Path("/proc/self/statm").read_text().split()[column]) * os.sysconf("SC_PAGE_SIZE")
