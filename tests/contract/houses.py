"""`greenroom up` in a process of its own, and `greenroom` commands that call it."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("GREENROOM_")}


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


async def spawn(*arguments: str, **environment: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        stdin=asyncio.subprocess.DEVNULL,
        env=ENVIRONMENT | environment,
    )


async def finished(process: asyncio.subprocess.Process) -> Outcome:
    try:
        async with asyncio.timeout(120):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    assert b"Traceback" not in err
    return Outcome(process.returncode, out.decode(), err.decode())


@dataclass(frozen=True)
class House:
    address: str
    folder: Path

    async def run(self, *arguments: str) -> Outcome:
        return await finished(await spawn(*arguments, GREENROOM_ADDRESS=self.address))

    async def ok(self, *arguments: str) -> Outcome:
        outcome = await self.run(*arguments)
        assert outcome.status == 0, outcome.err
        return outcome


@asynccontextmanager
async def serving(folder: Path, **environment: str) -> AsyncIterator[House]:
    """A house that keeps its data in folder, until the block ends."""
    process = await spawn("up", "--port", "0", "--data-dir", str(folder), **environment)
    assert process.stdout is not None
    said = (await process.stdout.readline()).decode()
    assert said.startswith("Greenroom listens on 127.0.0.1:")
    # Nobody reads its log here; a full pipe would stop it.
    draining = asyncio.create_task(process.stderr.read()) if process.stderr else None
    yield House(said.split()[3], folder)
    process.send_signal(signal.SIGINT)
    assert await process.wait() == 0
    assert draining is not None
    assert b"Traceback" not in await draining
