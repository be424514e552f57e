"""Files that can be interrupted: what is streamed into one goes on where it was when it is asked for again."""

import json
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from cli.commands import Failed
from cli.render import console
from greenroom.client import Client


@dataclass(frozen=True, slots=True)
class Chunk:
    """The next bytes, the cursor behind them, and how many lines, calls or the like they are."""

    data: bytes
    cursor: str
    count: int = 0


@dataclass(frozen=True, slots=True)
class _Place:
    """How far a file is: what stands beside it while it is unfinished. of: what it will hold."""

    of: str
    cursor: str = ""
    bytes: int = 0
    count: int = 0


async def write_file(path: Path, of: str, chunks: Callable[[str], AsyncGenerator[Chunk, None]]) -> int:
    """Write chunks to path, which appears when it is whole; return how many lines, calls or the like it holds.

    Until then they are in `path.part`, with how far they go in `path.part.json`. of: what they are, by which an
    unfinished file is known again. chunks: those behind a cursor. Raises Failed if path exists.
    """
    part, note = path.with_name(f"{path.name}.part"), path.with_name(f"{path.name}.part.json")
    if path.exists():  # noqa: ASYNC240
        raise Failed(f"{path} exists; delete it or choose another name.")
    place = _Place(**json.loads(note.read_bytes())) if note.exists() and part.exists() else _Place(of)
    if place.of != of:
        raise Failed(f"{part} is the unfinished file of {place.of}; finish that one, or delete it.")
    try:
        with part.open("r+b" if place.bytes else "wb") as file:
            # What was written after the note was is not vouched for.
            file.truncate(place.bytes)
            file.seek(place.bytes)
            async with aclosing(chunks(place.cursor)) as streamed:
                async for chunk in streamed:
                    file.write(chunk.data)
                    file.flush()
                    place = _Place(of, chunk.cursor, file.tell(), place.count + chunk.count)
                    note.write_text(json.dumps(asdict(place)))
    except BaseException:
        if not place.bytes:
            part.unlink(missing_ok=True)
        raise
    part.rename(path)
    note.unlink(missing_ok=True)
    return place.count


async def write_stdout(chunks: AsyncIterator[Chunk], cursor: str) -> None:
    """Write chunks to standard output; when that ends early, stderr says the cursor to go on from."""
    out: BinaryIO = sys.stdout.buffer
    try:
        async for chunk in chunks:
            out.write(chunk.data)
            out.flush()
            cursor = chunk.cursor
    except BaseException:
        if cursor:
            console(stderr=True).print(f"Go on with --cursor {cursor}", soft_wrap=True)
        raise


async def export_file(client: Client, batch: str, path: Path) -> int:
    """Write a batch's transcripts to path as `write_file` does; return how many."""
    return await write_file(path, batch, lambda cursor: _transcripts(client, batch, cursor))


async def export_stdout(client: Client, batch: str, cursor: str) -> None:
    """Write a batch's transcripts to standard output as `write_stdout` does."""
    await write_stdout(_transcripts(client, batch, cursor), cursor)


async def _transcripts(client: Client, batch: str, cursor: str) -> AsyncGenerator[Chunk, None]:
    async with aclosing(client.batches.export(batch, cursor=cursor)) as messages:
        async for message in messages:
            yield Chunk(message.chunk, message.cursor, message.chunk.count(b"\n"))
