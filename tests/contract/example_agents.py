"""The agents of `examples/agents` as programs."""

import asyncio
import re
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.suite import EXAMPLES

AGENT = EXAMPLES.parent / "agents" / "grpc_agent.py"


@asynccontextmanager
async def own_agent(port: int = 0, program: Path = AGENT) -> AsyncIterator[str]:
    """The address of an example's agent, in its own process; port 0 is a free port."""
    process = await asyncio.create_subprocess_exec(sys.executable, program, str(port), stdout=PIPE)
    assert process.stdout is not None
    found = re.search(r"listens on (\S+)", (await process.stdout.readline()).decode())
    assert found is not None
    yield found[1]
    process.terminate()
    await process.wait()
