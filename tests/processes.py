"""Services as processes of their own, to be killed and started again."""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
_LISTENS = re.compile(rb"listens on \S+:(\d+)")


@dataclass
class Service:
    """A process that serves.

    address: where it listens, on loopback.
    """

    process: Process
    address: str

    def kill(self) -> None:
        """End it as the kernel would for lack of memory: nothing of it runs any more."""
        self.process.kill()

    async def died(self) -> int:
        """Its exit status, once it is gone; negative: the signal that ended it."""
        return await self.process.wait()


@asynccontextmanager
async def service(module: str, environment: Mapping[str, str]) -> AsyncIterator[Service]:
    """`python -m module` with these settings on a free port, from when it listens until it is ended."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module),
        cwd=ROOT,
        env={**os.environ, "GREENROOM_PORT": "0", **environment},
        stdout=PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield Service(process, await _listening(process))
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await process.wait()


async def _listening(process: Process) -> str:
    assert process.stdout is not None
    async for line in process.stdout:
        if found := _LISTENS.search(line):
            return f"127.0.0.1:{found[1].decode()}"
    raise RuntimeError(f"the service ended with {await process.wait()} before it listened")
