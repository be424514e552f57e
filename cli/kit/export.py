"""Writes streams to files. An interrupted export resumes when the command is repeated."""

import json
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, BinaryIO, Protocol

import typer

from cli.kit.live import lost_in_lines
from cli.kit.render import console, is_terminal
from cli.kit.run import Failed
from greenroom.client import Client
from shared.plain import visible

Output = Annotated[Path | None, typer.Option("--output", "-o", help="The file; none: standard output.")]
After = Annotated[str, typer.Option("--cursor", help="Continue after this cursor, when printing to standard output.")]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes, the cursor after them, and the number of lines or calls in them."""

    data: bytes
    cursor: str
    count: int = 0


@dataclass(frozen=True, slots=True)
class _Progress:
    """The progress of an unfinished file, stored beside it. of: the name of its contents."""

    of: str
    cursor: str = ""
    bytes: int = 0
    count: int = 0


async def write_file(path: Path, of: str, chunks: Callable[[str], AsyncGenerator[Chunk, None]]) -> int:
    """Write a stream to a file and return the number of lines or calls.

    The data is in `path.part` and the progress in `path.part.json` until the file is complete. of: the name of the
    contents, to recognize an unfinished file. chunks: the stream after a cursor. Raises Failed if path exists.
    """
    part, note = path.with_name(f"{path.name}.part"), path.with_name(f"{path.name}.part.json")
    if path.exists():  # noqa: ASYNC240
        raise Failed(f"{path} exists; delete it or choose another name.")
    progress = _Progress(**json.loads(note.read_bytes())) if note.exists() and part.exists() else _Progress(of)
    if progress.of != of:
        raise Failed(f"{part} is the unfinished file of {progress.of}; finish that one, or delete it.")
    try:
        with part.open("r+b" if progress.bytes else "wb") as file:
            # Bytes after the saved cursor may be incomplete; truncate them.
            file.truncate(progress.bytes)
            file.seek(progress.bytes)
            async with aclosing(chunks(progress.cursor)) as streamed:
                async for chunk in streamed:
                    file.write(chunk.data)
                    file.flush()
                    done = _Progress(of, chunk.cursor, file.tell(), progress.count + chunk.count)
                    _write_note(note, done)
                    progress = done
    except BaseException:
        if not progress.bytes:
            part.unlink(missing_ok=True)
        raise
    part.rename(path)
    note.unlink(missing_ok=True)
    return progress.count


def _write_note(note: Path, progress: _Progress) -> None:
    """Write the progress; if the disk is full, the one before stays."""
    new = note.with_name(f"{note.name}.new")
    try:
        new.write_text(json.dumps(asdict(progress)))
        new.replace(note)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


async def write_stdout(chunks: AsyncIterator[Chunk], cursor: str) -> None:
    """Write a stream to standard output; if it ends early, print the cursor for the next attempt to stderr."""
    try:
        async for chunk in chunks:
            write_out(chunk.data)
            cursor = chunk.cursor
    except BaseException:
        if cursor:
            console(stderr=True).print(f"Continue with --cursor {cursor}", soft_wrap=True)
        raise


def write_out(data: bytes) -> None:
    """Write bytes to standard output; on a terminal, characters that would change the screen are escaped."""
    out: BinaryIO = sys.stdout.buffer
    _write_all(out, visible(data.decode(errors="backslashreplace")).encode() if is_terminal() else data)


def _write_all(out: BinaryIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        # With PYTHONUNBUFFERED standard output has no buffer, and an interrupt cuts a write short.
        rest = rest[out.write(rest) :]
    out.flush()


class Exported(Protocol):
    """A message of an export's stream."""

    chunk: bytes
    cursor: str


async def export(
    client: Client, of: str, output: Path | None, cursor: str, stream: Callable[[str], AsyncGenerator[Exported, None]]
) -> None:
    """Write the lines that a stream exports to a file as `write_file` does, or to standard output.

    of: the name of the contents. stream: makes the stream that continues after a cursor.
    """

    async def chunks(after: str) -> AsyncGenerator[Chunk, None]:
        async with aclosing(stream(after)) as messages:
            async for message in messages:
                yield Chunk(message.chunk, message.cursor, message.chunk.count(b"\n"))

    async with lost_in_lines(client):
        if output is None:
            await write_stdout(chunks(cursor), cursor)
            return
        lines = await write_file(output, of, chunks)
    console(stderr=True).print(f"{lines} lines are in {output}.", soft_wrap=True)
