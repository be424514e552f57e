"""Runs commands: connects, awaits, and turns errors into one sentence and an exit status."""

import asyncio
import contextlib
import dataclasses
import functools
import inspect
import re
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar

import grpc
import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

import greenroom.client
from cli.kit.render import console
from greenroom.client import Backoff, Client, GreenroomError
from shared.errors import GreenroomError as OwnError
from shared.plain import visible

_TOO_LARGE = "Value out of range: "
"""How protobuf begins what it says of a number that a field cannot hold."""

OK, FAILED, USAGE, NOT_FOUND, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 4, 130

_STATUS_OF_CODE = {
    "INVALID_ARGUMENT": USAGE,
    "OUT_OF_RANGE": USAGE,
    "NOT_FOUND": NOT_FOUND,
    "UNAVAILABLE": UNREACHABLE,
    "DEADLINE_EXCEEDED": UNREACHABLE,
}

P = ParamSpec("P")
T = TypeVar("T")

Json = Annotated[
    bool, typer.Option("--json", help="Print proto JSON, one object per line, with the field names of the contracts.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 if anything was left out, changed or assumed.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Labels = Annotated[
    list[str] | None, typer.Option("--label", "-l", help="Only with this label; repeat it for those that have all.")
]
ExternalIds = Annotated[
    list[str] | None, typer.Option("--external-id", help="Only with this external id; repeat it for several.")
]
ExternalIdPrefix = Annotated[str, typer.Option(help="Only with an external id that starts with this.")]


@dataclass(frozen=True, slots=True)
class Connection:
    """The address of the gateway, the credentials, and the name of the caller where there are none."""

    address: str
    token: str | None = None
    tls: grpc.ChannelCredentials | None = None
    acting_as: str | None = None

    def client(self) -> AbstractAsyncContextManager[Client]:
        """A client that retries for about a second, and for about ten minutes once a watch has begun."""
        return greenroom.client.connect(
            self.address,
            token=self.token,
            tls=self.tls,
            acting_as=self.acting_as,
            retry=Backoff(attempts=4),
            reconnect=Backoff(attempts=400, maximum=2.0),
        )


@dataclass(frozen=True, slots=True)
class Later:
    """The value of an argument that needs a call: the command gets what `find` returns."""

    find: Callable[[Client], Awaitable[str]]


class Failed(Exception):
    """The command failed. The exception holds the sentence to print and the exit status."""

    def __init__(self, sentence: str, status: int = FAILED) -> None:
        super().__init__(sentence)
        self.status = status


def report(error: Exception) -> int:
    """Print an expected error as one sentence and return the exit status; raise any other again."""
    match error:
        case GreenroomError():
            return _print(refusal(error, "the gateway's address"), _own_status(error))
        case typer.Abort():
            # Click raises Abort for Ctrl-C at a prompt, as for the answer no.
            interrupted = isinstance(error.__context__, KeyboardInterrupt)
            return _print("Aborted.", INTERRUPTED if interrupted else FAILED)
        case FileNotFoundError() | IsADirectoryError() | NotADirectoryError() | PermissionError():
            # An argument names a wrong path.
            return _print(_sentence(error), USAGE)
        case Failed() | OwnError() | OSError() | TyperException():
            return _print(_sentence(error), getattr(error, "status", getattr(error, "exit_code", _own_status(error))))
        case ValueError() if str(error).startswith(_TOO_LARGE):
            return _print(f"{str(error).removeprefix(_TOO_LARGE)} is too large or too small for a request.", USAGE)
        case _:
            raise error


def _own_status(error: Exception) -> int:
    return _STATUS_OF_CODE.get(getattr(error, "code", ""), FAILED)


def _sentence(error: Exception) -> str:
    if isinstance(error, TyperException):
        wrong = error.format_message()
        return f"{wrong if wrong[-1:] in ('.', '?') else wrong + '.'} See --help."
    if isinstance(error, OSError) and error.strerror:
        return f"{': '.join(filter(None, [error.filename, error.strerror]))}."
    return str(error)


def _print(sentence: str, status: int) -> int:
    console(stderr=True).print(f"greenroom: {sentence}")
    return status


class Noun(TyperGroup):
    """The commands of a noun; its help lists each with the first sentence of its docstring."""

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, _first_sentence(one.help or "")) for name, one in self.commands.items()])


def _first_sentence(text: str) -> str:
    return " ".join(re.split(r"[.;](?:\s|$)", text, maxsplit=1)[0].split()) + "."


def noun(what: str) -> typer.Typer:
    """A Typer application for the commands of a noun; without a command it prints its help."""
    app = typer.Typer(cls=Noun, help=what, rich_markup_mode=None, add_completion=False)

    @app.callback(invoke_without_command=True)
    def callback(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            typer.echo(context.get_help())

    return app


def verb() -> typer.Typer:
    """A Typer application for one command without a noun."""
    return typer.Typer(rich_markup_mode=None, add_completion=False)


def command(
    app: typer.Typer, name: str, *, cls: type[TyperCommand] | None = None
) -> Callable[
    [Callable[Concatenate[Client, P], Awaitable[int | None]]], Callable[Concatenate[Client, P], Awaitable[int | None]]
]:
    """Register a coroutine function as a command. Its first argument is a client; it may return the exit status.

    A parameter whose type is a dataclass stands for the options that are its fields. cls: the class of the command.
    """

    def decorate(
        work: Callable[Concatenate[Client, P], Awaitable[int | None]],
    ) -> Callable[Concatenate[Client, P], Awaitable[int | None]]:
        signature = inspect.signature(work, eval_str=True)
        client, *others = signature.parameters.values()
        groups = {one.name: one.annotation for one in others if dataclasses.is_dataclass(one.annotation)}

        @functools.wraps(work)
        def run(context: typer.Context, *args: P.args, **options: P.kwargs) -> None:
            async def found(client: Client) -> int | None:
                return await work(client, *args, **_grouped(groups, await _found(client, options)))

            raise typer.Exit(connected(context.obj, found) or OK)

        # Typer reads this signature: the options of work, with a Typer context instead of the client.
        context = client.replace(name="context", annotation=typer.Context)
        options = [one.replace(kind=one.KEYWORD_ONLY) for other in others for one in _options(other)]
        run.__signature__ = signature.replace(parameters=[context, *options])  # type: ignore[attr-defined]
        app.command(name, cls=cls)(run)
        return work

    return decorate


def _options(parameter: inspect.Parameter) -> Iterable[inspect.Parameter]:
    """The options that a parameter stands for: the fields of its dataclass, or itself."""
    group = parameter.annotation
    if not dataclasses.is_dataclass(group):
        return [parameter]
    return inspect.signature(group, eval_str=True).parameters.values()  # type: ignore[arg-type]


def _grouped(groups: Mapping[str, Any], options: dict[str, Any]) -> Any:
    """The options, with those of each group as one value under its name."""
    made = {
        name: group(**{field.name: options.pop(field.name) for field in dataclasses.fields(group)})
        for name, group in groups.items()
    }
    return options | made


async def _found(client: Client, options: dict[str, Any]) -> Any:
    return {name: await one.find(client) if isinstance(one, Later) else one for name, one in options.items()}


def connected(connection: Connection, work: Callable[[Client], Awaitable[T]]) -> T:
    """Run work with a client and return its result. Raises Failed if a call fails."""

    async def run() -> T:
        async with connection.client() as client:
            return await work(client)

    try:
        return asyncio.run(run())
    except GreenroomError as error:
        raise Failed(refusal(error, connection.address), _STATUS_OF_CODE.get(error.code, FAILED)) from error


def refusal(error: GreenroomError, address: str) -> str:
    """The error as one sentence, or as one line per wrong field."""
    if error.code == "UNAVAILABLE" and not error.reason:
        return f"Nothing answers at {address}; start it with `greenroom up`, or pass its address with --address."
    if error.code == "DEADLINE_EXCEEDED":
        return f"{address} did not answer in time; try again."
    if not error.violations:
        return error.message
    wrong = (f"{one.field}: {one.description}" if one.field else one.description for one in error.violations)
    return "\n  ".join(f"{one.removesuffix('.')}." for one in wrong)


def confirmed(question: str, yes: bool) -> None:
    """Ask on the terminal before something is deleted. Raises Failed without --yes where nobody can be asked."""
    if yes:
        return
    if sys.stdin is None or not sys.stdin.isatty():
        raise Failed(f"There is no terminal to ask on: {question} If so, repeat the command with --yes.", USAGE)
    with prompt_interrupts():
        typer.confirm(visible(question), abort=True, err=True)


@contextlib.contextmanager
def prompt_interrupts() -> Iterator[None]:
    """Lets Ctrl-C raise KeyboardInterrupt while a prompt blocks; asyncio would only note it until the next line."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


async def first(items: AsyncIterator[T], limit: int) -> AsyncIterator[T]:
    """The first `limit` items, or all if it is 0."""
    count = 0
    async for item in items:
        yield item
        count += 1
        if count == limit:
            return
