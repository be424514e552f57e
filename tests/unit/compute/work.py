"""Work for the pool's tests; workers import it by name."""

import os
import signal
import time
from pathlib import Path

from shared.compute.loading import loads
from shared.errors import GreenroomError, Violation


class Unpicklable(Exception):
    """Can be pickled, but not unpickled."""

    def __init__(self, *, why: str) -> None:
        super().__init__(why)


def double(number: int) -> int:
    return 2 * number


def process() -> int:
    return os.getpid()


def echo(data: bytes) -> bytes:
    print("work may print")  # noqa: T201
    return data


def fail(text: str) -> None:
    raise ValueError(text)


def fail_unpicklably() -> None:
    raise Unpicklable(why="no reason")


def crash() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def hold(started: Path) -> None:
    """Write the process id to the file, then work for longer than any test."""
    started.with_suffix(".part").write_text(str(os.getpid()))
    started.with_suffix(".part").rename(started)
    time.sleep(600)


class OutOfPlums(GreenroomError):
    """There are {count:,} plums left."""

    reason = "OUT_OF_PLUMS"


def refuse(count: int) -> None:
    raise OutOfPlums(violations=[Violation("plums", "Must be more.")], count=count)


def allocate(mebibytes: int) -> int:
    """Fill some memory, let go of it, and return the process id."""
    held = [bytes(1 << 20) for _ in range(mebibytes)]
    return os.getpid() if len(held) == mebibytes else 0


def wrap_memory_error(mebibytes: int) -> None:
    """Raise another error for want of memory, as libraries do."""
    try:
        bytearray(mebibytes << 20)
    except MemoryError as error:
        raise ValueError("this cannot be read") from error


def fill(mebibytes: int, runs: Path) -> None:
    """Fill some memory, and note in the file that this ran."""
    with runs.open("a") as file:
        file.write("ran\n")
    _ = [b"x" * (1 << 20) for _ in range(mebibytes)]


def _large_library() -> None:
    allocate(600)


@loads(_large_library)
def use_library() -> int:
    return allocate(100)


_kept: list[bytes] = []


def keep(mebibytes: int) -> int:
    """Fill some memory, keep it, and return the process id."""
    _kept.extend(b"x" * (1 << 20) for _ in range(mebibytes))
    return os.getpid()
