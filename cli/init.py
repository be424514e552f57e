"""greenroom init"""

import re
import shlex
import time
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from cli.kit.agents import Agent, Targets
from cli.kit.imports import (
    Authors,
    Columns,
    Redact,
    RedactPatterns,
    SourceFormat,
    TimeFormat,
    print_problems,
    redaction,
    table_mapping,
)
from cli.kit.rehearsal_files import RehearsalFiles
from cli.kit.render import console
from cli.kit.run import FAILED, OK, UNREACHABLE, USAGE, Connection, Failed, Strict, connected, verb
from greenroom.client import Client
from greenroom.synthesizer.v1.conversation_pb2 import ConversationSpec
from greenroom.synthesizer.v1.inference_pb2 import InferRehearsalResponse
from shared.words import counted

app = verb()

T = TypeVar("T")

_ADDRESS = "127.0.0.1:9000"
_WAIT_SECONDS = 30


@app.command()
def init(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Recorded conversations; decompressed if it ends in .gz.")],
    agent: Agent = None,
    folder: Annotated[Path | None, typer.Option(help="Where to write; named after the file if not given.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
    format: SourceFormat = "",  # noqa: A002
    column: Columns = None,
    author: Authors = None,
    time_format: TimeFormat = "",
    redact: Redact = "",
    redact_pattern: RedactPatterns = None,
    start: Annotated[bool, typer.Option("--start", help="Run the commands that go on, too.")] = False,
    strict: Strict = False,
) -> None:
    """Write a procedure, personas and a batch, inferred from recorded conversations, and print the commands to go on.

    Without --start nothing is imported, nor is it if --strict finds a fault. No model is called to infer.
    """
    table = table_mapping(column or [], author or [], time_format)
    redacted = redaction(redact, redact_pattern or [])
    spec = ConversationSpec()
    Targets(agent).set(spec)
    folder = folder or Path(_word(file.name.removesuffix(".gz").rpartition(".")[0] or file.name))
    label = _word(folder.resolve().name)
    connection: Connection = context.obj

    async def infer(client: Client) -> tuple[InferRehearsalResponse, bool]:
        inferred = await client.inference.infer_file(file, format=format, table=table, redaction=redacted)
        return inferred, bool([one async for one in client.procedures.list(external_id=label)])

    if folder.exists() and not folder.is_dir():
        raise Failed(f"{folder} is a file; choose another --folder.", USAGE)
    taken = [name for name in ("procedure.yaml", "personas.yaml", "batch.yaml") if (folder / name).exists()]
    if taken and not force:
        raise Failed(f"{folder / taken[0]} exists; choose another --folder, or overwrite it with --force.", USAGE)
    found, revise = _once_up(connection, infer)
    print_problems(found.summary)
    if not found.summary.imported:
        raise Failed(f"{file} has no conversation that can be read, so nothing was written.")
    written = RehearsalFiles(label, str(file), found, spec)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in written.files().items():
        (folder / name).write_text(text, encoding="utf-8")
    given = {"--format": [format], "--column": column, "--author": author, "--time-format": [time_format]}
    given |= {"--redact": [redact], "--redact-pattern": redact_pattern}
    reading = [part for option, values in given.items() for value in values or () if value for part in (option, value)]
    _print(folder, found)
    wrong = strict and bool(found.summary.problems or found.notes)
    commands = written.commands(folder, file, [*reading, *(["--strict"] if strict else [])], revise=revise)
    status = _go_on(commands, connection, start and not wrong)
    raise typer.Exit(FAILED if wrong else status)


def _once_up(connection: Connection, work: Callable[[Client], Awaitable[T]]) -> T:
    """As `connected`, but wait for a server that has just been started; the first start takes some seconds.

    Raises Failed.
    """
    until: float | None = None
    while True:
        try:
            return connected(connection, work)
        except Failed as failed:
            if failed.status != UNREACHABLE or (until is not None and time.monotonic() > until):
                raise
            if until is None:
                until = time.monotonic() + _WAIT_SECONDS
                console(stderr=True).print(f"Waiting up to {_WAIT_SECONDS} seconds: {failed}", soft_wrap=True)


def _go_on(commands: list[list[str]], connection: Connection, start: bool) -> int:
    """Print the commands, or run them all; returns the exit status of the last that ran. Raises Failed."""
    own = [] if connection.address == _ADDRESS else ["--address", connection.address]
    out = console()
    out.print("" if start else "\nNext:")
    status = OK
    for command in commands:
        out.print(f"{'$' if start else ' '} {shlex.join(['greenroom', *own, *command])}", soft_wrap=True)
        if start:  # an import that refuses some lines does not stop the batch, one that refuses all does
            status = _run(command, connection)
            out.print()
    return status


def _run(command: list[str], connection: Connection) -> int:
    """Run another command; returns its exit status. Raises Failed."""
    noun, *words = command
    status = typer.main.get_command(import_module(f"cli.{noun}").app).main(words, obj=connection, standalone_mode=False)
    return status if isinstance(status, int) else OK


def _word(text: str) -> str:
    """The text as a label: letters, digits, `.`, `_` and `-`."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:60] or "rehearsal"


def _print(folder: Path, found: InferRehearsalResponse) -> None:
    out, summary, revision = console(), found.summary, found.revision
    out.print(f"{summary.format}: {counted(summary.imported, 'conversation')} read, {summary.refused} refused")
    numbers = {"tool": len(revision.tools), "step": len(revision.steps), "persona": len(found.personas)}
    parts = ["instructions" if revision.instructions else "no instructions"]
    parts += [counted(number, word) for word, number in numbers.items()]
    out.print(f"{folder}: {', '.join(parts)}")
    for note in found.notes:
        out.print(note, soft_wrap=True)
