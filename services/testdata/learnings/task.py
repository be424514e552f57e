"""Learning in a worker process; only that process imports what learning needs."""

import contextlib
import gc
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from services.testdata.learnings.model import Progress, read_progress, write_learned, write_progress
from services.testdata.traces.logs.formats import LogFormat
from shared.compute.loading import loads

_PROGRESS = "progress.json"
_EVERY = 0.2
"""Seconds between two writes of the progress file."""


def _libraries() -> None:
    """Import what learning needs, and compile its kernels or get them from the cache."""
    # Import it here, because Numba and Arrow would make the server large and slow to start.
    from services.testdata.traces.learn import learn  # noqa: F401
    from services.testdata.traces.learn.counting import compile_kernels

    compile_kernels()


@loads(_libraries)
def learn_log(
    files: Sequence[tuple[str, Path]], log_format: LogFormat, name: str, folder: Path, unread: Sequence[str] = ()
) -> bytes:
    """Learn, as `learn.learn` does, and return the document for `read_learned`.

    folder: for the exports, and for the progress file that `progress_in` reads. unread: names of entries that were left
    out, for the report.
    """
    from services.testdata.traces.learn.learn import learn
    from services.testdata.traces.learn.report import left_out

    if not gc.get_freeze_count():
        # The collector then skips all modules, which makes decoding of JSON three times as fast.
        gc.freeze()
    last = 0.0

    def note(bytes_done: int, calls: int) -> None:
        nonlocal last
        if (now := time.monotonic()) - last >= _EVERY:
            last = now
            new = folder / f"{_PROGRESS}.new"
            # The work does not depend on its progress file.
            with contextlib.suppress(OSError):
                new.write_bytes(write_progress(Progress(bytes_done, calls)))
                new.replace(folder / _PROGRESS)

    learned = learn(files, log_format, name, folder, note)
    (folder / _PROGRESS).unlink(missing_ok=True)
    return write_learned(replace(learned, skipped=(*learned.skipped, *left_out(unread))))


def progress_in(folder: Path) -> Progress | None:
    """The progress of the work in this folder; None before the first write."""
    try:
        return read_progress((folder / _PROGRESS).read_bytes())
    except FileNotFoundError:
        return None
