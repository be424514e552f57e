"""Imports and exports of recordings."""

from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial

from services.synthesizer.imports.exports import AT_ONCE, chunks
from services.synthesizer.imports.model import Header, Stored, Summary
from services.synthesizer.imports.operations import Chunks, Imports, Parse
from services.synthesizer.recordings.model import NewRecording, RecordingFilter, StoredCall
from services.synthesizer.recordings.store import RecordingStore
from shared.compute import Compute


class RecordingFiles:
    """Reads recordings from files and writes them to files. parse and write run in another process."""

    def __init__(
        self,
        store: RecordingStore,
        imports: Imports,
        compute: Compute,
        *,
        parse: Parse[NewRecording],
        write: Callable[[Sequence[StoredCall]], list[bytes]],
    ) -> None:
        self._store = store
        self._imports = imports
        self._compute = compute
        self._parse = parse
        self._write = write

    async def read(self, company: str, header: Header, data: Chunks) -> Summary:
        """Import recordings. Raises UnknownFormat, RequestIdReused."""

        async def store(new: list[NewRecording]) -> list[Stored]:
            return await self._store.add(company, new)

        read = partial(self._imports.by_lines, header.format, self._parse)
        return await self._imports.run(company, "ImportRecordings", header, data, read, store)

    def export(self, company: str, which: RecordingFilter, cursor: str) -> AsyncIterator[tuple[bytes, str]]:
        """The recordings as `chunks` of lines, oldest first."""

        async def lines(after: str) -> list[tuple[str, bytes]]:
            page = await self._store.exported(company, which, after, AT_ONCE)
            written = await self._compute.run(self._write, page)
            return [(one.name, line) for one, line in zip(page, written, strict=True)]

        return chunks("recordings.export", which.batch, cursor, lines)
