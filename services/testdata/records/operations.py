"""What callers do with schemas and records."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from contextlib import aclosing
from functools import partial
from typing import Any, Protocol, TypeVar

from services.testdata.records.errors import CountTooLarge, RangeOutside
from services.testdata.records.formats import Format
from services.testdata.records.making import (
    Chunk,
    MadeRecords,
    Outline,
    ParquetPlaces,
    make_cell,
    make_records,
    make_row_groups,
    outline,
    packed,
    packed_pack,
    parquet_endings,
    warm,
)
from services.testdata.records.model import Checked, Quality, RecordSpec, Wanted
from services.testdata.records.scenarios import spec_of
from services.testdata.records.schemas import PREFIX, Schema, schema_of
from services.testdata.records.store import SchemaStore
from shared.auth import Caller
from shared.clock import Clock
from shared.compute import Compute
from shared.db.packs import dump_pack, load_pack
from shared.lists import Listed, Part
from shared.lru import LruCache
from shared.model.packs.model import Pack
from shared.model.packs.reading import read_pack
from shared.model.packs.writing import digest, write_pack
from shared.requests import RequestKey

T = TypeVar("T")

MOST_AT_ONCE = 10_000
"""The most records of an entity in one answer."""
_KEPT_BYTES = 16 << 20
"""The most bytes of packs that are kept for worker processes."""
_AHEAD = 2
"""Cells that are made before the reader asks for them."""


class Domains(Protocol):
    """The domains that callers name."""

    async def pack(self, caller: Caller, name: str, revision: int = 0, digest: str = "") -> tuple[int, Pack]:
        """The number and the pack of a revision, 0 for the newest READY one or else the newest.

        digest: of the revision, if the caller knows it; then it may come from memory.
        """
        ...


class Records:
    """The operations on schemas and records."""

    def __init__(self, store: SchemaStore, domains: Domains, compute: Compute, clock: Clock) -> None:
        self._store = store
        self._domains = domains
        self._compute = compute
        self._clock = clock
        self._packed = LruCache[int, tuple[Pack, bytes]](_KEPT_BYTES)

    async def warm(self, workers: int) -> None:
        """Let some workers load what making records needs. What fails here will fail, and be told, in a call."""
        await asyncio.gather(*(self._compute.run(warm) for _ in range(workers)), return_exceptions=True)

    async def register(self, caller: Caller, own: str, yaml: bytes, domain: str, key: RequestKey | None) -> Schema:
        """Store a pack as a schema.

        Raises PackInvalid, BadYaml, SchemaExists, RequestIdReused, ResultDeleted, and what the enricher says of
        the domain.
        """
        if domain:
            await self._domains.pack(caller, domain)
        pack = await self._compute.run(read_pack, yaml, f"{own}.yaml", reads=len(yaml))
        schema = schema_of(pack, name=PREFIX + own, domain=domain, creator=caller.subject, create_time=self._clock())
        return await self._store.create(caller.company, schema, dump_pack(pack), digest(pack), key)

    async def get(self, company: str, name: str) -> tuple[Schema, Pack, bytes]:
        """A schema, its pack, and that as YAML. Raises SchemaNotFound."""
        schema, stored = await self._store.get(company, name)
        pack = load_pack(stored)
        return schema, pack, await self._compute.run(write_pack, pack)

    async def of_domain(self, caller: Caller, name: str, revision: int) -> Schema:
        """The schema of a domain. Raises what the enricher says."""
        number, pack = await self._domains.pack(caller, name, revision)
        return schema_of(pack, domain=name, revision=number)

    async def page(self, company: str, part: Part) -> Listed[Schema]:
        """A part of the company's schemas, newest first."""
        return await self._store.page(company, part)

    async def delete(self, company: str, name: str) -> None:
        """Delete a schema. Raises SchemaNotFound."""
        await self._store.delete(company, name)

    async def resolve(self, caller: Caller, wanted: Wanted) -> RecordSpec:
        """What to make, with the pack that the caller names."""
        return spec_of(await self._pack(caller, wanted), wanted)

    async def _pack(self, caller: Caller, wanted: Wanted) -> Pack:
        source = wanted.source
        if isinstance(source, bytes):
            return await self._compute.run(read_pack, source, wanted.file or "the pack", reads=len(source))
        if source.startswith(PREFIX):
            _, stored = await self._store.get(caller.company, source)
            return load_pack(stored)
        name, _, revision = source.partition("@")
        _, pack = await self._domains.pack(caller, name, int(revision or 0), wanted.digest)
        return pack

    async def generate(
        self, spec: RecordSpec, form: Format, measured: bool = False
    ) -> tuple[list[MadeRecords], list[Checked], dict[str, Quality]]:
        """The records, how the rules fare, and if `measured` the quality by entity.

        Raises CountTooLarge, and what `make_records` raises.
        """
        for entity, count in spec.counts.items():
            if count > MOST_AT_ONCE:
                raise CountTooLarge(entity=entity, count=f"{count:,}", most=f"{MOST_AT_ONCE:,}")
        return await self._compute.run(make_records, self._source(spec), form, measured)

    async def outline(self, spec: RecordSpec, first: int, measured: bool = False) -> Outline:
        """How much a stream has, and if `measured` how good its first cell is. first: of each entity, from 0.

        Raises RangeOutside, and what `outline` of `making` raises.
        """
        found = await self._compute.run(outline, self._source(spec), measured)
        for entity, count in found.entities:
            if first >= count:
                raise RangeOutside(entity=entity, first=f"{first + 1:,}", count=f"{count:,}")
        return found

    async def stream(
        self, spec: RecordSpec, form: Format, found: Outline, first: int, count: int, cell: int
    ) -> AsyncGenerator[tuple[int, list[Chunk], list[Checked]], None]:
        """The cells from one on, with their records and how the rules fare in them. Closing it stops the generation.

        In PARQUET several cells come together, with the number of the first, and after the last cell the footers.
        """
        source = self._source(spec)
        if form is not Format.PARQUET:
            numbers = range(cell, found.cells)
            made = (partial(self._compute.run, make_cell, source, form, number, first, count) for number in numbers)
            async with aclosing(_ahead(zip(numbers, made, strict=True))) as cells:
                async for number, (chunks, checks) in cells:
                    yield number, chunks, checks
        elif cell <= found.cells:
            async with aclosing(self._parquet(source, found, first, count)) as groups:
                async for number, chunks, checks in groups:
                    if number >= cell:
                        yield number, chunks, checks

    async def _parquet(
        self, source: bytes, found: Outline, first: int, count: int
    ) -> AsyncGenerator[tuple[int, list[Chunk], list[Checked]], None]:
        """The files from their beginning: a footer has the places of all row groups, so these are made again."""
        places = ParquetPlaces()
        numbers = range(0, found.cells, found.group)
        groups = (range(number, min(number + found.group, found.cells)) for number in numbers)
        made = (partial(self._compute.run, make_row_groups, source, group, first, count) for group in groups)
        async with aclosing(_ahead(zip(numbers, made, strict=True))) as cells:
            async for number, (chunks, checks) in cells:
                places.add(chunks)
                yield number, chunks, checks
        yield found.cells, await self._compute.run(parquet_endings, places.files), []

    def _source(self, spec: RecordSpec) -> bytes:
        """The spec for a worker process. Its pack is pickled once, which takes longer than making some records."""
        kept = self._packed.get(id(spec.pack))
        if kept is None:
            kept = spec.pack, packed_pack(spec.pack)
            self._packed.put(id(spec.pack), kept, len(kept[1]))
        return packed(spec, kept[1])


async def _ahead(
    work: Iterable[tuple[int, Callable[[], Coroutine[Any, Any, T]]]],
) -> AsyncGenerator[tuple[int, T], None]:
    """The results in order, with their numbers; some are made before they are asked for."""
    left = iter(work)
    coming = deque[tuple[int, asyncio.Task[T]]]()
    try:
        while True:
            while len(coming) < _AHEAD and (one := next(left, None)) is not None:
                coming.append((one[0], asyncio.create_task(one[1]())))
            if not coming:
                return
            number, task = coming[0]
            done = await task
            coming.popleft()
            yield number, done
    finally:
        for _, task in coming:
            task.cancel()
        if coming:
            await asyncio.wait([task for _, task in coming])
