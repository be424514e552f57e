"""Exports that can be interrupted: to a file that goes on where it was, or to standard output by cursor."""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from cli.commands import Failed
from cli.render import console
from greenroom.client import Client


@dataclass(frozen=True, slots=True)
class _Place:
    """How far an export is: what stands beside its unfinished file."""

    batch: str
    cursor: str = ""
    bytes: int = 0
    lines: int = 0


async def export_file(client: Client, batch: str, path: Path) -> int:
    """Write a batch's transcripts to path, which appears when it is whole; return how many.

    Until then they are in `path.part`, with how far they go in `path.part.json`. Raises Failed if path exists.
    """
    part, note = path.with_name(f"{path.name}.part"), path.with_name(f"{path.name}.part.json")
    if path.exists():  # noqa: ASYNC240
        raise Failed(f"{path} exists; delete it or choose another name.")
    place = _Place(**json.loads(note.read_bytes())) if note.exists() and part.exists() else _Place(batch)
    if place.batch != batch:
        raise Failed(f"{part} is an unfinished export of {place.batch}; finish that one, or delete it.")
    with part.open("r+b" if place.bytes else "wb") as file:
        # What was written after the note was is not vouched for.
        file.truncate(place.bytes)
        file.seek(place.bytes)
        async for message in client.batches.export(batch, cursor=place.cursor):
            file.write(message.chunk)
            file.flush()
            place = _Place(batch, message.cursor, file.tell(), place.lines + message.chunk.count(b"\n"))
            note.write_text(json.dumps(asdict(place)))
    part.rename(path)
    note.unlink(missing_ok=True)
    return place.lines


async def export_stdout(client: Client, batch: str, cursor: str) -> None:
    """Write a batch's transcripts to standard output; when that ends early, stderr says the cursor to go on from."""
    try:
        async for message in client.batches.export(batch, cursor=cursor):
            sys.stdout.buffer.write(message.chunk)
            sys.stdout.buffer.flush()
            cursor = message.cursor
    except BaseException:
        if cursor:
            console(stderr=True).print(f"Go on with --cursor {cursor}", soft_wrap=True)
        raise
