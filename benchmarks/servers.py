"""Start Greenroom's servers as processes, and measure their memory and processor time."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE
from types import MappingProxyType

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Server:
    """A server process and the worker processes that it started."""

    pid: int
    address: str

    def resident_mb(self) -> float:
        """Resident memory of the server and its workers, in MB."""
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in [self.pid, *self.workers()])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def processor_seconds(self) -> float:
        """Processor time of the server and its workers so far, in steps of 0.01 s."""
        return sum(map(_seconds, [self.pid, *self.workers()]))

    def own_seconds(self) -> float:
        """Processor time of the server without its workers so far, in steps of 0.01 s."""
        return _seconds(self.pid)

    def workers(self) -> list[int]:
        """The process ids of its workers."""
        return [
            int(child)
            for thread in Path(f"/proc/{self.pid}/task").iterdir()
            for child in (thread / "children").read_text().split()
        ]


def _seconds(pid: int) -> float:
    """User and system time of a process: fields 14 and 15 of proc_pid_stat(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def server(
    module: str,
    *arguments: str,
    core: int | None = None,
    folder: Path | None = None,
    settings: Mapping[str, object] = MappingProxyType({}),
) -> Iterator[Server]:
    """Run `python -m module`, which prints its address at the end of its first line.

    core: the core for the server and its workers; any core by default. folder: the data folder; a temporary one by
    default. settings: settings of Greenroom by name, such as `max_in_flight`.
    """
    chosen = {f"GREENROOM_{name.upper()}": str(value) for name, value in settings.items()}
    with tempfile.TemporaryDirectory() as own:
        process = subprocess.Popen(
            (sys.executable, "-m", module, *arguments),
            cwd=ROOT,
            env={**os.environ, "GREENROOM_PORT": "0", "GREENROOM_DATA_DIR": str(folder or own), **chosen},
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
