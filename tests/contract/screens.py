"""`greenroom` on a pseudo-terminal of 80 columns."""

import asyncio
import os
import pty
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.contract.houses import ENVIRONMENT

_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@asynccontextmanager
async def on_terminal(
    *arguments: str, **environment: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, "Screen"]]:
    """Run `greenroom` on a terminal; yields the process and what it shows."""
    terminal, end = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", *arguments),
        stdout=end,
        stderr=end,
        stdin=end,
        env=ENVIRONMENT | {"TERM": "xterm", "COLUMNS": "80", "LINES": "24"} | environment,
    )
    os.close(end)
    screen = Screen(terminal)
    try:
        yield process, screen
    finally:
        screen.close()
        if process.returncode is None:
            process.kill()
            await process.wait()


class Screen:
    """The output of a program on a pseudo-terminal."""

    def __init__(self, terminal: int) -> None:
        self.text = ""
        self._terminal = terminal
        self._changed = asyncio.Event()
        asyncio.get_running_loop().add_reader(terminal, self._read)

    @property
    def words(self) -> str:
        """The output so far without colours and movements of the cursor."""
        return _CODES.sub("", self.text)

    def _read(self) -> None:
        try:
            data = os.read(self._terminal, 65536)
        except OSError:  # the program has closed its end
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._terminal)
        self.text += data.decode(errors="replace")
        self._changed.set()

    async def shows(self, text: str) -> None:
        async with asyncio.timeout(60):
            while text not in self.words:
                self._changed.clear()
                await self._changed.wait()

    def types(self, text: str) -> None:
        """Type this, as a person does."""
        os.write(self._terminal, text.encode())

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._terminal)
        os.close(self._terminal)
