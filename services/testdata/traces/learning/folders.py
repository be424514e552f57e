"""The folders of learnings below the data folder, each with its exports, and with its log while that is read."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from services.testdata.traces.learning.errors import UploadTooLarge
from services.testdata.traces.learning.kept import Export

MOST_UPLOADED = 256 << 20
"""Bytes of a log that comes with a call."""


class Folders:
    """All learnings' folders."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    async def make(self, learning: str) -> Path:
        """A new, empty folder in the place of one that is there."""
        await self.remove(learning)
        folder = self._root / learning
        await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True)
        return folder

    async def remove(self, learning: str) -> None:
        """Remove the folder for good, if it is there."""
        await asyncio.to_thread(shutil.rmtree, self._root / learning, ignore_errors=True)

    async def all(self) -> list[str]:
        """The learnings that have one."""

        def names() -> list[str]:
            return [folder.name for folder in self._root.iterdir()] if self._root.is_dir() else []

        return await asyncio.to_thread(names)

    def export(self, learning: str, export: Export) -> Path:
        """Where an export lies."""
        return self._root / learning / export


async def spool(chunks: AsyncIterator[bytes], path: Path) -> int:
    """Write a log as it comes; how many bytes it has. Raises UploadTooLarge."""
    size = 0
    file = await asyncio.to_thread(path.open, "wb")
    try:
        async for chunk in chunks:
            size += len(chunk)
            if size > MOST_UPLOADED:
                raise UploadTooLarge(most=f"{MOST_UPLOADED:,}")
            await asyncio.to_thread(file.write, chunk)
    finally:
        await asyncio.to_thread(file.close)
    return size
