"""Streams of calls: chunks, generated in worker processes and some ahead of the reader."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from functools import cached_property

from services.testdata.traces.chunks import Chunk, Outline, make_chunk, outline
from services.testdata.traces.compiled import packed
from services.testdata.traces.formats import Format
from services.testdata.traces.parameters import Parameters
from services.testdata.traces.workflow import Workflow
from shared.compute import Compute

AHEAD = 4
"""Chunks that are generated before the reader asks for them; about 1 MiB each."""


@dataclass(frozen=True)
class Source:
    """The workflow, parameters and format of a stream."""

    workflow: Workflow
    parameters: Parameters
    format: Format

    @cached_property
    def packed(self) -> bytes:
        """The workflow and parameters for a worker process."""
        return packed(self.workflow, self.parameters)


class Streams:
    """Generates the chunks of any number of streams, at most one for each worker at once."""

    def __init__(self, compute: Compute, workers: int) -> None:
        self._compute = compute
        self._room = asyncio.Semaphore(workers)

    async def outline(self, source: Source) -> Outline:
        """The number of sessions, and the number of sessions in a chunk."""
        return await self._compute.run(outline, source.packed, source.format)

    async def chunks(
        self, source: Source, first: int, last: int, chunk_sessions: int, begun: int = 0
    ) -> AsyncGenerator[Chunk, None]:
        """The sessions from first to last, in order. begun: number of calls of the first session to skip.

        A stalled reader costs AHEAD chunks of memory. Closing it stops the generation.
        """
        starts = iter(range(first, last + 1, chunk_sessions))
        coming = deque[asyncio.Task[list[Chunk]]]()
        try:
            while True:
                while len(coming) < AHEAD and (start := next(starts, None)) is not None:
                    count = min(chunk_sessions, last + 1 - start)
                    coming.append(asyncio.create_task(self._chunk(source, start, count, first, begun)))
                if not coming:
                    return
                made = await coming[0]
                coming.popleft()
                for chunk in made:
                    yield chunk
        finally:
            for task in coming:
                task.cancel()
            if coming:
                await asyncio.wait(coming)

    async def _chunk(self, source: Source, start: int, count: int, first: int, begun: int) -> list[Chunk]:
        is_first = start == first
        await self._room.acquire()
        making = asyncio.ensure_future(
            self._compute.run(
                make_chunk,
                *(source.packed, start, count, source.format, is_first),
                begun if is_first else 0,
            )
        )
        making.add_done_callback(lambda _: self._room.release())
        # Cancelling the work would end its process, and a new process takes longer to start than this chunk to finish.
        return await asyncio.shield(making)
