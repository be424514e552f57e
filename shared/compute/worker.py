"""A worker process: reads a function and its arguments, calls it, answers; until its input ends.

python -m shared.compute.worker
"""

import os
import pickle
import signal
import sys
import traceback
from typing import BinaryIO

from shared.compute.frames import LENGTH, frame


def main() -> None:
    """Serve the pool that started this process."""
    # Ctrl-C reaches the whole terminal group; the pool decides when its workers end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    # What the work prints must not land between the answers.
    os.dup2(2, 1)
    try:
        while (body := _read(requests)) is not None:
            answers.write(frame(_answer(body)))
            answers.flush()
    except BrokenPipeError:
        os._exit(0)


def _read(requests: BinaryIO) -> bytes | None:
    head = requests.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    return requests.read(*LENGTH.unpack(head))


def _answer(body: bytes) -> bytes:
    """The pickle of (True, result), of (False, exception), or of (False, text) for what cannot be pickled."""
    try:
        function, arguments = pickle.loads(body)  # noqa: S301 - written by the process that started this one
        return pickle.dumps((True, function(*arguments)))
    except Exception as error:
        try:
            answer = pickle.dumps((False, error))
            pickle.loads(answer)  # noqa: S301 - many exceptions can be written but not read
        except Exception:
            return pickle.dumps((False, "".join(traceback.format_exception_only(error)).strip()))
        return answer


if __name__ == "__main__":
    # A worker that was told to end by its pool's end has nothing left to clean up.
    main()
    sys.exit(0)
