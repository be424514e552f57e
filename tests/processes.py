"""Services as processes of their own, to be killed and started again."""

import asyncio
import os
import re
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parent.parent
_LISTENS = re.compile(rb"listens on \S+:(\d+)")


@dataclass
class Service:
    """A process that serves.

    port: where it listens, on loopback; start another one with GREENROOM_PORT=port to take its place.
    """

    process: Process
    port: int

    @property
    def address(self) -> str:
        """What clients connect to."""
        return f"127.0.0.1:{self.port}"

    def kill(self) -> None:
        """End it as the kernel would for lack of memory: nothing of it runs any more."""
        self.process.kill()

    def stop(self) -> None:
        """Ask it to end."""
        self.process.send_signal(signal.SIGTERM)

    async def died(self) -> int:
        """Its exit status, once it is gone; negative: the signal that ended it."""
        return await self.process.wait()

    def resident_bytes(self) -> int:
        """How much memory it holds; Linux only."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) * 1024


def workers(process: int | None = None) -> set[int]:
    """The processes that a process, or this one, has started to compute; Linux only."""
    return {
        int(child)
        for task in Path(f"/proc/{process or os.getpid()}/task").iterdir()
        for child in (task / "children").read_text().split()
        if b"shared.compute.worker" in Path(f"/proc/{child}/cmdline").read_bytes()
    }


@asynccontextmanager
async def service(module: str, environment: Mapping[str, str]) -> AsyncIterator[Service]:
    """`python -m module` with these settings and no others, from when it listens until it is ended.

    It listens on a free port unless environment has GREENROOM_PORT.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GREENROOM_")}
    with tempfile.TemporaryFile() as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module),
            cwd=ROOT,
            env={**inherited, "GREENROOM_PORT": "0", **environment},
            stdout=PIPE,
            stderr=errors,
        )
        try:
            yield Service(process, await _listening(process, errors))
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
                await process.wait()


async def _listening(process: Process, errors: IO[bytes]) -> int:
    assert process.stdout is not None
    async for line in process.stdout:
        if found := _LISTENS.search(line):
            return int(found[1])
    status = await process.wait()
    errors.seek(0)
    raise RuntimeError(f"the service ended with {status} before it listened: {errors.read().decode()[-2000:]}")
