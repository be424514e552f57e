"""Tables: files whose rows must be gathered by conversation. While they are read, they are on disk, encrypted."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Generic, TypeVar

from services.synthesizer.imports.errors import TableTooLarge
from services.synthesizer.imports.lines import SLICE_LINES, as_lines
from services.synthesizer.imports.model import Problem, Record, TableMapping
from services.synthesizer.imports.sealed import Seal
from services.synthesizer.redaction.redactor import Redaction
from shared.compute import Compute
from shared.limits import MAX_TABLE

TABLE = "table"
"""The format, which only sources have."""
_PREFIX, _DAY = "import-", 86_400
N = TypeVar("N", bound=Record)


class Tables(Generic[N]):
    """Reads tables. deal and read run in another process.

    folder: where the files are while they are read; None for the system's temporary folder.
    deal: (file, folder, mapping, redaction, seal) → deals its rows to files in the folder, each with whole
        conversations.
    read: (see `slices`, redaction, file, seal) → the records and problems of such a file.
    """

    def __init__(
        self,
        compute: Compute,
        folder: Path | None,
        *,
        deal: Callable[[Path, Path, TableMapping, Redaction | None, Seal], None],
        read: Callable[[int, Redaction | None, Path, Seal], list[N | Problem]],
    ) -> None:
        self._compute = compute
        self._folder = folder
        self._deal = deal
        self._read = read

    async def slices(
        self, mapping: TableMapping, open_since: int, redaction: Redaction | None, chunks: AsyncIterator[bytes]
    ) -> AsyncIterator[list[N | Problem]]:
        """The records and problems of a table, in slices. Raises TableTooLarge.

        open_since: Unix milliseconds; a conversation with a newer message is not finished.
        """
        seal = Seal()
        with TemporaryDirectory(prefix=_PREFIX, dir=self._folder) as folder:
            file, dealt = Path(folder) / "table", Path(folder) / "dealt"
            dealt.mkdir()
            size = await _stored(file, seal, as_lines(chunks))
            await self._compute.run(self._deal, file, dealt, mapping, redaction, seal, reads=size)
            file.unlink()
            for part in sorted(dealt.iterdir()):
                parsed = await self._compute.run(self._read, open_since, redaction, part, seal, reads=size)
                part.unlink()
                for start in range(0, len(parsed), SLICE_LINES):
                    yield parsed[start : start + SLICE_LINES]


def remove_leftovers(folder: Path, now: float) -> None:
    """Remove what imports left that were killed: their folders of the day before `now`, in Unix seconds."""
    for left in folder.glob(f"{_PREFIX}*"):
        if left.stat().st_mtime < now - _DAY:
            shutil.rmtree(left, ignore_errors=True)


async def _stored(path: Path, seal: Seal, chunks: AsyncIterator[bytes]) -> int:
    """Write the chunks to the file; returns how many bytes. Raises TableTooLarge."""
    size = 0
    with seal.write(path) as file:
        async for chunk in chunks:
            size += len(chunk)
            if size > MAX_TABLE:
                raise TableTooLarge(most=f"{MAX_TABLE:,}")
            await asyncio.to_thread(file.write, chunk)
    return size
