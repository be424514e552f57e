"""The folders of learnings below the data folder, each with its exports, and with its log while that is read."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from services.testdata.traces.learning.errors import StorageFailed, UploadTooLarge
from services.testdata.traces.learning.kept import Export
from shared.ids import new_id

MOST_UPLOADED = 256 << 20
"""Bytes of a log that comes with a call."""


class Folders:
    """All learnings' folders.

    Work is done in a folder of its own, for the process of a server that was killed may still be at the same work.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    @asynccontextmanager
    async def working(self, learning: str) -> AsyncIterator[Path]:
        """A new folder for the work, which is the learning's at the end; if that fails, it is removed.

        What earlier work left is removed first. Raises StorageFailed.
        """
        folder = self._root / f"{learning}.{new_id()}"
        try:
            await self.remove(learning)
            await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True)
            yield folder
            await asyncio.to_thread(folder.rename, self._root / learning)
        except BaseException as error:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            if isinstance(error, OSError):
                raise StorageFailed(problem=error.strerror or "the system refuses it") from error
            raise

    async def remove(self, learning: str) -> None:
        """Remove what there is of the learning, for good."""

        def remove() -> None:
            for folder in self._root.glob(f"{learning}*"):
                shutil.rmtree(folder, ignore_errors=True)

        await asyncio.to_thread(remove)

    async def all(self) -> set[str]:
        """The learnings that have one."""

        def names() -> set[str]:
            return {folder.name.partition(".")[0] for folder in self._root.iterdir()} if self._root.is_dir() else set()

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
