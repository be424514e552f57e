"""`greenroom up` in a separate process, and `greenroom` commands against it."""

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

from tests.forks import Forked, fork

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


async def spawn(*arguments: str, given: str = "", **environment: str) -> asyncio.subprocess.Process:
    """Run `greenroom`. given: its standard input."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        stdin=asyncio.subprocess.PIPE if given else asyncio.subprocess.DEVNULL,
        env=ENVIRONMENT | environment,
    )
    if process.stdin is not None:
        process.stdin.write(given.encode())
        process.stdin.close()
    return process


async def command(*arguments: str, **environment: str) -> Forked:
    """Run `greenroom` without an input, and without an interpreter of its own, which would have to import much."""
    return await fork("cli", *arguments, environment=ENVIRONMENT | environment)


async def finished(process: asyncio.subprocess.Process | Forked) -> Outcome:
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
        return await finished(await command(*arguments, GREENROOM_ADDRESS=self.address))

    async def ok(self, *arguments: str) -> Outcome:
        outcome = await self.run(*arguments)
        assert outcome.status == 0, outcome.err
        return outcome


@asynccontextmanager
async def serving(folder: Path, **environment: str) -> AsyncIterator[House]:
    """Run `greenroom up` with this data folder until the end of the block."""
    process = await command("up", "--port", "0", "--data-dir", str(folder), **environment)
    said = (await process.stdout.readline()).decode()
    assert said.startswith("Greenroom listens on 127.0.0.1:")
    # Read the log, because a full pipe would block the process.
    draining = asyncio.create_task(process.stderr.read())
    yield House(said.split()[3], folder)
    process.send_signal(signal.SIGINT)
    assert await process.wait() == 0
    assert b"Traceback" not in await draining
