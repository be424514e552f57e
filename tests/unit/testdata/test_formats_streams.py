"""Streams of chunks: in order, and a bounded number of chunks ahead of the reader."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, TypeVar, TypeVarTuple, cast

import pytest

from services.testdata.streams.operations import AHEAD, Source, Streams
from services.testdata.traces.chunks import make_chunk
from services.testdata.traces.formats import Format
from services.testdata.traces.parameters import Parameters
from services.testdata.workflows.builtin import built_in
from shared.compute import Compute
from tests.unit.compute import work

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
SOURCE = Source(built_in()["workflows/ecommerce"].workflow, Parameters(users=1_000), Format.CSV)


class Noting(Compute):
    """Records which chunks were begun, by first session."""

    def __init__(self, workers: int) -> None:
        super().__init__(workers)
        self.begun: list[int] = []

    async def run(self, function: Callable[[*Ts], T], *arguments: *Ts, reads: int | None = None) -> T:
        if cast(object, function) is make_chunk:
            _, first, *_ = cast(tuple[Any, ...], arguments)
            self.begun.append(first)
        return await super().run(function, *arguments, reads=reads)


@pytest.fixture(scope="module")
async def pool() -> AsyncIterator[Noting]:
    pool = Noting(2)
    yield pool
    await pool.close()


@pytest.fixture
def compute(pool: Noting) -> Noting:
    pool.begun.clear()
    return pool


@pytest.fixture
def streams(compute: Noting) -> Streams:
    return Streams(compute, 2)


async def test_chunks_come_in_order_from_any_number_of_workers(streams: Streams) -> None:
    chunks = [chunk async for chunk in streams.chunks(SOURCE, 1, 205, 10)]

    assert [chunk.last_session for chunk in chunks] == [*range(10, 201, 10), 205]
    assert chunks[0].data.startswith(b"timestamp,")
    assert not any(chunk.data.startswith(b"timestamp,") for chunk in chunks[1:])
    whole = [chunk async for chunk in streams.chunks(SOURCE, 1, 205, 205)]
    assert b"".join(chunk.data for chunk in chunks) == whole[0].data


async def test_no_more_is_made_than_a_few_chunks_ahead_of_the_reader(streams: Streams, compute: Noting) -> None:
    async with aclosing(streams.chunks(SOURCE, 1, 1_000, 1)) as chunks:
        for read in range(1, 4):
            await anext(chunks)
            # Other chunks would have begun before another stream had a turn.
            assert [chunk async for chunk in streams.chunks(SOURCE, 1_500, 1_500, 1)]
            assert len([first for first in compute.begun if first < 1_500]) <= read - 1 + AHEAD


async def processes(compute: Noting) -> set[int]:
    """Wait until both processes of the pool are idle; one may still finish an abandoned chunk."""
    found: set[int] = set()
    while len(found) < 2:
        found |= set(await asyncio.gather(*(compute.run(work.process) for _ in range(2))))
    return found


async def test_what_a_reader_who_went_away_did_not_get_is_not_begun_and_costs_no_process(
    streams: Streams, compute: Noting
) -> None:
    workers = await processes(compute)
    stream = streams.chunks(SOURCE, 1, 1_000, 1)
    await anext(stream)
    await stream.aclose()
    begun = list(compute.begun)

    assert [chunk.last_session async for chunk in streams.chunks(SOURCE, 1_500, 1_500, 1)] == [1_500]

    assert compute.begun == [*begun, 1_500]
    assert await processes(compute) == workers


async def test_a_reader_that_is_cancelled_while_it_waits_leaves_the_pool_to_others(
    streams: Streams, compute: Noting
) -> None:
    async def read() -> None:
        async for _ in streams.chunks(SOURCE, 1, 1_000, 1):
            pass

    readers = [asyncio.create_task(read()) for _ in range(20)]
    await asyncio.wait(readers, timeout=0.05)
    for reader in readers:
        reader.cancel()
    await asyncio.wait(readers)

    assert [chunk.last_session async for chunk in streams.chunks(SOURCE, 1_500, 1_500, 1)] == [1_500]
