"""A worker process: reads functions with their arguments, calls them and answers, until its input ends.

python -m shared.compute.worker SERVER, with the process id of the server that started it. It ends with that server.
"""

import ctypes
import errno
import gc
import os
import pickle
import select
import signal
import sys
import threading
import traceback
from typing import BinaryIO

from shared.compute.errors import TooMuchMemory
from shared.compute.frames import LENGTH, frame
from shared.compute.loading import load
from shared.compute.memory import data_bytes, limited_memory, resident_bytes
from shared.garbage import THRESHOLDS
from shared.limits import KEPT, MIB

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve the pool that started this process."""
    # Ctrl-C reaches the whole process group, but the pool decides when its workers end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_with(int(sys.argv[1]))
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    # Print to standard error, so that nothing the work prints mixes with the answers.
    os.dup2(2, 1)
    gc.set_threshold(*THRESHOLDS)
    try:
        while (body := _read(requests)) is not None:
            answers.write(frame(_answer(body)))
            answers.flush()
    except BrokenPipeError:
        os._exit(0)


def _end_with(server: int) -> None:
    """End when the server does, also while work is under way."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != server:
            os._exit(1)
    threading.Thread(target=_watch_connection, daemon=True).start()


def _watch_connection() -> None:
    """End when the server has closed both directions of the connection, which its death does on every system."""
    connection = select.poll()
    connection.register(0, 0)
    connection.poll()
    os._exit(1)


def _read(requests: BinaryIO) -> bytes | None:
    head = requests.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    return requests.read(*LENGTH.unpack(head))


def _answer(body: bytes) -> bytes:
    """The pickle of (done, result, held, worn).

    done: whether result is the function's; otherwise it is its exception, or a text if that cannot be pickled.
    held: the bytes that this process still holds of the memory that is limited.
    worn: whether the pool should replace this process, because it holds much memory.
    """
    done, result = _outcome(body)
    held = data_bytes()
    worn = resident_bytes() > KEPT or isinstance(result, TooMuchMemory)
    try:
        answer = pickle.dumps((done, result, held, worn))
        if not done:
            pickle.loads(answer)  # noqa: S301 - many exceptions can be pickled but not unpickled
    except Exception:
        error = result if isinstance(result, BaseException) else TypeError("the result cannot be pickled")
        return pickle.dumps((False, "".join(traceback.format_exception_only(error)).strip(), held, worn))
    return answer


def _outcome(body: bytes) -> tuple[bool, object]:
    memory, function, arguments = pickle.loads(body)  # noqa: S301 - written by the process that started this one
    try:
        load(function)
        with limited_memory(memory):
            return True, function(*arguments)
    except Exception as error:
        if not _memory_ran_out(error):
            return False, error
    # Out of the handler, whose traceback holds the memory.
    return False, TooMuchMemory(most=f"{memory // MIB:,}")


def _memory_ran_out(error: BaseException | None) -> bool:
    """Whether the error or one that it was raised from says so."""
    while error is not None:
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
            return True
        error = error.__cause__
    return False


if __name__ == "__main__":
    main()
    sys.exit(0)
