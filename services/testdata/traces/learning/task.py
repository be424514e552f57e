"""The work of a learning, for a process of its own; whoever asks for it imports nothing that is only needed there."""

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

from services.testdata.traces.learning.documents import read_progress, write_learned, write_progress
from services.testdata.traces.learning.formats import LogFormat
from services.testdata.traces.learning.kept import Progress

_PROGRESS = "progress.json"
_EVERY = 0.2
"""Seconds between two notes of how far it is."""


def learn_log(files: Sequence[tuple[str, Path]], log_format: LogFormat, name: str, folder: Path) -> bytes:
    """Learn, and return what was learned as a document; as `learn.learn`.

    folder: for the exports; how far the work is stands there meanwhile, for `progress_in`.
    """
    # Numba and Arrow are this process's alone: a server that has imported them is slow to start, and large.
    from services.testdata.traces.learning.learn import learn

    last = 0.0

    def note(bytes_done: int, calls: int) -> None:
        nonlocal last
        if (now := time.monotonic()) - last >= _EVERY:
            last = now
            new = folder / f"{_PROGRESS}.new"
            # It is told for its own sake: the work goes on without.
            with contextlib.suppress(OSError):
                new.write_bytes(write_progress(Progress(bytes_done, calls)))
                new.replace(folder / _PROGRESS)

    learned = learn(files, log_format, name, folder, note)
    (folder / _PROGRESS).unlink(missing_ok=True)
    return write_learned(learned)


def progress_in(folder: Path) -> Progress | None:
    """How far the work is whose folder it is; None before it says so."""
    try:
        return read_progress((folder / _PROGRESS).read_bytes())
    except FileNotFoundError:
        return None
