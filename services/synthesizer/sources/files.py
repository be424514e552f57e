"""Imports and exports of sources."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import astuple, replace
from functools import partial
from itertools import accumulate

from services.synthesizer.imports.exports import AT_ONCE, chunks
from services.synthesizer.imports.lines import Lines, as_lines
from services.synthesizer.imports.model import Header, Outcome, Problem, Stored, Summary, TableMapping
from services.synthesizer.imports.operations import Chunks, Imports
from services.synthesizer.imports.tables import TABLE, Tables
from services.synthesizer.procedures.model import NewProcedure
from services.synthesizer.redaction.redactor import Redaction
from services.synthesizer.sources.documents import unpack_source_events
from services.synthesizer.sources.model import ExportedSource, NewSource, Sample, SourceFilter
from services.synthesizer.sources.store import SourceStore
from shared.clock import Clock
from shared.compute import Compute
from shared.limits import MAX_LINE

AddProcedures = Callable[[str, Sequence[NewProcedure]], Awaitable[list[Stored]]]
"""(company, procedures) → the outcome of each, after storing those that are new."""

Take = Callable[[list[NewSource]], Awaitable[list[Stored]]]
"""Does something with some sources; returns the outcome of each."""

SAMPLES = 2
_SAMPLE_EVENTS, _SAMPLE_BYTES = 20, 1 << 20
_BEGIN = 1 << 16
"""Bytes that tell the format of a file, if they have a whole line."""


class SourceFiles:
    """Reads sources from files and writes them to files. parse, detect and write run in another process.

    parse: (Unix milliseconds, redaction, format, lines) → sources; a conversation with a newer message is not finished.
    detect: (the beginning of a file, its mapping if it is a table) → its format.
    """

    def __init__(
        self,
        store: SourceStore,
        imports: Imports,
        compute: Compute,
        *,
        parse: Callable[[int, Redaction | None, str, Lines], list[NewSource | Problem]],
        write: Callable[[Sequence[ExportedSource]], list[bytes]],
        tables: Tables[NewSource],
        detect: Callable[[bytes, TableMapping], str],
        add_procedures: AddProcedures,
        clock: Clock,
    ) -> None:
        self._store = store
        self._imports = imports
        self._compute = compute
        self._parse = parse
        self._write = write
        self._tables = tables
        self._detect = detect
        self._add_procedures = add_procedures
        self._clock = clock

    async def read(self, company: str, header: Header, data: Chunks) -> tuple[Summary, list[Sample]]:
        """Import sources, and the procedures that the file has for them; or in a dry run only read two as samples.

        Raises UnknownFormat, FormatNotDetected, TableTooLarge, RequestIdReused, InvalidArgument.
        """
        if not header.dry_run:
            return await self._run(company, header, data, partial(self._store_new, company, header.labels, set())), []
        samples: list[Sample] = []

        async def show(new: list[NewSource]) -> list[Stored]:
            samples.extend(map(_sample, new[: SAMPLES - len(samples)]))
            return [Stored(Outcome.IMPORTED)] * len(new)

        return await self.visit(company, header, data, show), samples

    async def visit(self, company: str, header: Header, data: Chunks, take: Take) -> Summary:
        """Read sources without storing them; `take` gets them in slices and returns the outcome of each.

        Raises UnknownFormat, FormatNotDetected, TableTooLarge, InvalidArgument.
        """
        return await self._run(company, replace(header, request_id=""), data, take)

    async def _run(self, company: str, header: Header, data: Chunks, take: Take) -> Summary:
        if not header.format:
            begin, data = await _begun(as_lines(data))
            header = replace(header, format=await self._compute.run(self._detect, begin, header.table))
        redaction = self._imports.redaction(header)
        open_since = self._clock() - header.finished_after
        if header.format == TABLE:
            read = partial(self._tables.slices, header.table, open_since, redaction)
        else:
            read = partial(self._imports.by_lines, header.format, partial(self._parse, open_since, redaction))
        redacted = redaction is not None
        return await self._imports.run(company, "ImportSources", header, data, read, take, redacted=redacted)

    async def _store_new(
        self, company: str, labels: Sequence[str], added: set[str], new: list[NewSource]
    ) -> list[Stored]:
        """added: the external ids of the procedures that this import has added; often one for all of its sources."""
        theirs = {one.procedure.external_id: one.procedure for one in new if one.procedure is not None}
        if more := [one for external_id, one in theirs.items() if external_id not in added]:
            await self._add_procedures(company, more)
            added.update(theirs)
        return await self._store.add(company, new, self._clock(), labels)

    def export(self, company: str, which: SourceFilter, cursor: str) -> AsyncIterator[tuple[bytes, str]]:
        """The sources as `chunks` of lines of the format `greenroom`."""

        async def lines(after: str) -> list[tuple[str, bytes]]:
            page = await self._store.exported(company, after, AT_ONCE, which)
            written = await self._compute.run(self._write, page)
            return [(one.name, line) for one, line in zip(page, written, strict=True)]

        return chunks("sources.export", json.dumps(astuple(which)), cursor, lines)


def _sample(new: NewSource) -> Sample:
    sizes = map(len, new.document.split(b"\n")[1 : _SAMPLE_EVENTS + 1])
    fitting = sum(size <= _SAMPLE_BYTES for size in accumulate(sizes))
    instructions = new.procedure.revision.instructions if new.procedure else ""
    events = unpack_source_events(new.document, 0, fitting)
    return Sample(new.external_id, new.finished, instructions, events, new.event_count)


async def _begun(chunks: Chunks) -> tuple[bytes, Chunks]:
    """The beginning of a file, and all of it."""
    begin = b""
    async for chunk in chunks:
        begin += chunk
        if len(begin) > MAX_LINE or (len(begin) >= _BEGIN and b"\n" in begin):
            break

    async def whole() -> Chunks:
        yield begin
        async for chunk in chunks:
            yield chunk

    return begin, whole()
