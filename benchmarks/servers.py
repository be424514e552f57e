"""Greenroom's servers as processes of their own, and what they take of the machine."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Server:
    """A process that serves, with the processes that it started."""

    pid: int
    address: str

    def resident_mb(self) -> float:
        """The memory that it and its workers hold."""
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self._pids())
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def processor_seconds(self) -> float:
        """The processor time that it and its workers have taken so far, to a hundredth."""
        return sum(map(_seconds, self._pids()))

    def _pids(self) -> list[int]:
        children = [
            int(child)
            for thread in Path(f"/proc/{self.pid}/task").iterdir()
            for child in (thread / "children").read_text().split()
        ]
        return [self.pid, *children]


def _seconds(pid: int) -> float:
    """User and system time, fields 14 and 15 of proc_pid_stat(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def server(module: str, *arguments: str, core: int | None = None, folder: Path | None = None) -> Iterator[Server]:
    """`python -m module`, which says on its first line where it listens.

    core: where it and its workers run; anywhere unless given. folder: where its data is; in one that goes away unless
    given.
    """
    with tempfile.TemporaryDirectory() as own:
        process = subprocess.Popen(
            (sys.executable, "-m", module, *arguments),
            cwd=ROOT,
            env={**os.environ, "GREENROOM_PORT": "0", "GREENROOM_DATA_DIR": str(folder or own)},
            stdout=PIPE,
            text=True,
        )
        if core is not None:
            os.sched_setaffinity(process.pid, {core})
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"{module} ended before it listened")
            yield Server(process.pid, line.split()[-1])
        finally:
            process.terminate()
            process.wait()
