"""The folders of learnings below the data folder: each holds the exports, and the log while it is read."""

import asyncio
import fcntl
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from services.testdata.learnings.errors import StorageFailed, UploadTooLarge
from services.testdata.traces.learn.model import Export
from shared.ids import new_id
from shared.limits import MAX_LOG
from shared.no_links import resolved


class Folders:
    """The folders of all learnings.

    Each attempt works in a new folder. The server holds a lock on it, so that another server that uses the same data
    folder can tell it from a folder that a killed server left.
    """

    def __init__(self, root: Path) -> None:
        self._root = resolved(root)

    @asynccontextmanager
    async def working(self, learning: str) -> AsyncIterator[Path]:
        """A new folder, which becomes the learning's folder when the block ends, or is removed when it fails.

        Removes the folders of earlier attempts first. Raises StorageFailed.
        """
        folder = self._root / f"{learning}.{new_id()}"
        try:
            await self.remove(learning)
            lock = await asyncio.to_thread(_make_locked, folder)
            try:
                yield folder
                await asyncio.to_thread(folder.rename, self._root / learning)
            finally:
                os.close(lock)
        except BaseException as error:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            if isinstance(error, OSError):
                raise StorageFailed(problem=error.strerror or "the system refuses it") from error
            raise

    async def remove(self, learning: str) -> None:
        """Delete all folders of the learning."""

        def remove() -> None:
            for folder in self._root.glob(f"{learning}*"):
                shutil.rmtree(folder, ignore_errors=True)

        await asyncio.to_thread(remove)

    async def remove_unfinished(self) -> None:
        """Delete the folders of attempts that no server works in."""

        def remove() -> None:
            for folder in self._root.glob("*.*"):
                with suppress(OSError):
                    lock = _lock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
                    os.close(lock)

        await asyncio.to_thread(remove)

    async def all(self) -> set[str]:
        """The ids of the learnings that have a folder."""

        def names() -> set[str]:
            return {folder.name.partition(".")[0] for folder in self._root.iterdir()} if self._root.is_dir() else set()

        return await asyncio.to_thread(names)

    def export(self, learning: str, export: Export) -> Path:
        """The path of an export."""
        return self._root / learning / export


def _make_locked(folder: Path) -> int:
    """Make the folder and lock it, as `_lock` says."""
    while True:
        folder.mkdir(mode=0o700, parents=True)
        lock = _lock(folder, fcntl.LOCK_EX)
        if folder.exists():
            return lock
        # A server that started just now took it for abandoned before it was locked.
        os.close(lock)


def _lock(folder: Path, how: int) -> int:
    """A descriptor that locks the folder, as flock(2) says, until it is closed or this process ends. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, how)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


async def spool(chunks: AsyncIterator[bytes], path: Path) -> int:
    """Write the chunks to a file and return the number of bytes. Raises UploadTooLarge."""
    size = 0
    file = await asyncio.to_thread(path.open, "wb")
    try:
        async for chunk in chunks:
            size += len(chunk)
            if size > MAX_LOG:
                raise UploadTooLarge(most=f"{MAX_LOG:,}")
            await asyncio.to_thread(file.write, chunk)
    finally:
        await asyncio.to_thread(file.close)
    return size
