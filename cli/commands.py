"""How a command runs: connected, awaited, and ended with a sentence and an exit status."""

import asyncio
import functools
import inspect
import os
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar

import grpc
import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

import greenroom.client
from greenroom.client import Backoff, Client, GreenroomError
from shared.errors import GreenroomError as OwnError

OK, FAILED, USAGE, NOT_FOUND, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 4, 130

_STATUS_OF_CODE = {
    "INVALID_ARGUMENT": USAGE,
    "OUT_OF_RANGE": USAGE,
    "NOT_FOUND": NOT_FOUND,
    "UNAVAILABLE": UNREACHABLE,
    "DEADLINE_EXCEEDED": UNREACHABLE,
}

TRACES = ("workflows", "datasets", "learnings")
"""The collections of TraceService."""

P = ParamSpec("P")
T = TypeVar("T")

Json = Annotated[bool, typer.Option("--json", help="Print proto JSON with the contracts' field names, one a line.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Limit = Annotated[int, typer.Option(min=0, help="How many at most; 0: all.")]


@dataclass(frozen=True, slots=True)
class Connection:
    """Where the gateway is and what it is told of the caller."""

    address: str
    token: str | None = None
    tls: grpc.ChannelCredentials | None = None

    def client(self) -> AbstractAsyncContextManager[Client]:
        """A client that asks again for a second, then gives up."""
        return greenroom.client.connect(self.address, token=self.token, tls=self.tls, retry=Backoff(attempts=4))


class Failed(Exception):
    """The command failed; one sentence says why, and the exit status says how."""

    def __init__(self, sentence: str, status: int = FAILED) -> None:
        super().__init__(sentence)
        self.status = status


def told(error: Exception) -> int:
    """Say in one sentence what went wrong, and return the exit status; a fault of ours is raised again."""
    match error:
        case GreenroomError():
            return _say(refusal(error, "the gateway's address"), _own_status(error))
        case typer.Abort():
            return _say("Aborted.", FAILED)
        case FileNotFoundError() | IsADirectoryError() | NotADirectoryError() | PermissionError():
            # A path that was given is not what it should be.
            return _say(_sentence(error), USAGE)
        case Failed() | OwnError() | OSError() | TyperException():
            return _say(_sentence(error), getattr(error, "status", getattr(error, "exit_code", _own_status(error))))
        case _:
            raise error


def _own_status(error: Exception) -> int:
    return _STATUS_OF_CODE.get(getattr(error, "code", ""), FAILED)


def _sentence(error: Exception) -> str:
    if isinstance(error, TyperException):
        wrong = error.format_message()
        return f"{wrong if wrong[-1:] in ('.', '?') else wrong + '.'} See --help."
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}."
    return str(error)


def _say(sentence: str, status: int) -> int:
    typer.echo(f"greenroom: {sentence}", err=True)
    return status


class Noun(TyperGroup):
    """A noun's commands, each listed with its whole first sentence."""

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, _first_sentence(one.help or "")) for name, one in self.commands.items()])


def _first_sentence(text: str) -> str:
    return " ".join(re.split(r"[.;](?:\s|$)", text, maxsplit=1)[0].split()) + "."


def noun(what: str) -> typer.Typer:
    """The commands of a noun; without a command it prints its help."""
    app = typer.Typer(cls=Noun, help=what, rich_markup_mode=None, add_completion=False)

    @app.callback(invoke_without_command=True)
    def callback(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            typer.echo(context.get_help())

    return app


def verb() -> typer.Typer:
    """What holds a command that belongs to no noun."""
    return typer.Typer(rich_markup_mode=None, add_completion=False)


def command(
    app: typer.Typer, name: str
) -> Callable[
    [Callable[Concatenate[Client, P], Awaitable[int | None]]], Callable[Concatenate[Client, P], Awaitable[int | None]]
]:
    """Make a coroutine function that takes a client a command. It may return the exit status."""

    def decorate(
        work: Callable[Concatenate[Client, P], Awaitable[int | None]],
    ) -> Callable[Concatenate[Client, P], Awaitable[int | None]]:
        @functools.wraps(work)
        def run(context: typer.Context, *args: P.args, **options: P.kwargs) -> None:
            raise typer.Exit(connected(context.obj, lambda client: work(client, *args, **options)) or OK)

        # What Typer reads: the parameters of work, with its own context in place of the client.
        signature = inspect.signature(work, eval_str=True)
        client, *others = signature.parameters.values()
        context = client.replace(name="context", annotation=typer.Context)
        run.__signature__ = signature.replace(parameters=[context, *others])  # type: ignore[attr-defined]
        app.command(name)(run)
        return work

    return decorate


def connected(connection: Connection, work: Callable[[Client], Awaitable[T]]) -> T:
    """The result of work with a client. Raises Failed for what the gateway refuses."""

    async def run() -> T:
        async with connection.client() as client:
            return await work(client)

    try:
        return asyncio.run(run())
    except GreenroomError as error:
        raise Failed(refusal(error, connection.address), _STATUS_OF_CODE.get(error.code, FAILED)) from error


def refusal(error: GreenroomError, address: str) -> str:
    """What went wrong and what would be right: one sentence, or one on a line of its own for each field to blame."""
    if error.code == "UNAVAILABLE" and not error.reason:
        return f"Nothing answers at {address}; start it with `greenroom up`, or say where it is with --address."
    if error.code == "DEADLINE_EXCEEDED":
        return f"{address} did not answer in time; try again."
    if not error.violations:
        return error.message
    wrong = (f"{one.field}: {one.description}" if one.field else one.description for one in error.violations)
    return "\n  ".join(f"{one.removesuffix('.')}." for one in wrong)


def named(collection: str) -> Any:
    """The argument that names one of a collection, in full or by its last part; completed by asking the gateway."""

    def complete(incomplete: str) -> list[str]:
        return names(collection, incomplete)

    return typer.Argument(
        metavar="NAME",
        help=f"{collection}/… or only what follows.",
        autocompletion=complete,
        callback=lambda value: full_name(collection, value),
    )


def naming(collection: str, what: str) -> Any:
    """An option that names one of a collection as `named` does; what: its help."""

    def complete(incomplete: str) -> list[str]:
        return names(collection, incomplete)

    return typer.Option(
        metavar="NAME",
        help=what,
        autocompletion=complete,
        callback=lambda value: value and full_name(collection, value),
    )


def full_name(collection: str, value: str) -> str:
    """The name of one of a collection, given in full or by its last part. Raises Failed for what cannot be one."""
    name = value if "/" in value else f"{collection}/{value}"
    if not re.fullmatch(rf"{collection}/[a-z0-9-]{{1,64}}", name):
        raise Failed(
            f"`{value}` names none of the {collection}; write {collection}/… or only what follows, "
            "in small letters, digits and dashes.",
            USAGE,
        )
    return name


def names(collection: str, incomplete: str) -> list[str]:
    """Up to 100 names of a collection that begin so; none when the gateway does not answer at once."""
    connection = Connection(os.environ.get("GREENROOM_ADDRESS", "127.0.0.1:9000"), os.environ.get("GREENROOM_TOKEN"))
    prefix = f"{collection}/"

    async def ask(client: Client) -> list[str]:
        found: list[str] = []
        async for one in getattr(client.traces if collection in TRACES else client, collection).list():
            name: str = one.name if incomplete.startswith(prefix) else one.name.removeprefix(prefix)
            if name.startswith(incomplete):
                found.append(name)
            if len(found) == 100:
                break
        return found

    async def soon(client: Client) -> list[str]:
        async with asyncio.timeout(1):
            return await ask(client)

    try:
        return connected(connection, soon)
    except (Failed, TimeoutError):
        return []


def confirmed(question: str, yes: bool) -> None:
    """Ask a person; programs are not asked."""
    if not yes and sys.stdin.isatty():
        typer.confirm(question, abort=True)


async def first(items: AsyncIterator[T], limit: int) -> AsyncIterator[T]:
    """The first limit items, or all when it is 0."""
    count = 0
    async for item in items:
        yield item
        count += 1
        if count == limit:
            return
