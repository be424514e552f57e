"""Services in separate processes, which tests kill and restart."""

import os
import re
import signal
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.forks import Forked, fork

PATIENCE = 120.0
"""Seconds that a call may take on a busy machine, where a process takes many to start."""
_LISTENS = re.compile(rb"listens on \S+:(\d+)")


@dataclass
class Service:
    """A process that serves on a port of loopback. Start another one with GREENROOM_PORT=port to replace it."""

    process: Forked
    port: int
    errors: IO[bytes]

    @property
    def address(self) -> str:
        """The address for clients."""
        return f"127.0.0.1:{self.port}"

    def kill(self) -> None:
        """Kill it with SIGKILL."""
        self.process.kill()

    def stop(self) -> None:
        """Stop it with SIGTERM."""
        self.process.send_signal(signal.SIGTERM)

    async def died(self) -> int:
        """Wait for its end and return the exit status; negative for a signal."""
        return await self.process.wait()

    async def output(self) -> bytes:
        """What it has written since it listens; after its end."""
        assert self.process.stdout is not None
        self.errors.seek(0)
        return await self.process.stdout.read() + self.errors.read()

    def resident_bytes(self) -> int:
        """Its resident memory; Linux only."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) * 1024


def workers() -> set[int]:
    """The compute workers that this process has started; Linux only."""
    threads = Path(f"/proc/{os.getpid()}/task").iterdir()
    children = {int(child) for thread in threads for child in _content(thread / "children").split()}
    return {child for child in children if b"shared.compute.worker" in _content(Path(f"/proc/{child}/cmdline"))}


def _content(file: Path) -> bytes:
    """Empty if its thread or process has just ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return file.read_bytes()
    return b""


def peak_memory(process: int) -> int:
    """The most resident memory so far, in kB; 0 if the process has ended."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) if found else 0


@asynccontextmanager
async def service(module: str, environment: Mapping[str, str]) -> AsyncIterator[Service]:
    """Run `python -m module` with exactly these settings until the end of the block; yields when it listens.

    It listens on a free port unless the environment sets GREENROOM_PORT.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GREENROOM_")}
    with tempfile.TemporaryFile() as errors:
        process = await fork(
            module,
            environment={**inherited, "GREENROOM_PORT": "0", "GREENROOM_WARM_WORKERS": "0", **environment},
            errors=errors,
        )
        try:
            yield Service(process, await _listening(process, errors), errors)
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
                await process.wait()


async def _listening(process: Forked, errors: IO[bytes]) -> int:
    async for line in process.stdout:
        if found := _LISTENS.search(line):
            return int(found[1])
    status = await process.wait()
    errors.seek(0)
    raise RuntimeError(f"the service ended with {status} before it listened: {errors.read().decode()[-2000:]}")
