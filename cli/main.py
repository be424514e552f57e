"""The `greenroom` command: what there is, each imported when it is asked for, so that `--help` is there at once."""

import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core
import typer.main

COMMANDS = {
    "demo": "Rehearse 50 conversations of examples/returns here and now.",
    "up": "Serve everything in one process, until Ctrl-C.",
    "serve": "Serve one service.",
    "status": "Say how the gateway and each service behind it are.",
    "sources": "Real, finished conversations that synthetic ones start from.",
    "procedures": "What an agent must do, in revisions.",
    "personas": "The synthetic users.",
    "conversations": "A persona talks to the agent under test, or you append the events.",
    "batches": "Many conversations at a time.",
    "traces": "API traces with known truth: generate them, learn from logs, and compare with the truth.",
}
"""What each is for. Each has a module here, with the commands as `app`."""

EXIT_STATUSES = """\
Exit status: 0 all is well; 1 it failed, or what it waited for ended with failures; 2 bad usage or bad input; \
3 there is no such thing; 4 the gateway cannot be reached; 130 interrupted."""


class _Imported(Mapping[str, Any]):
    """The commands by name, imported one at a time."""

    def __getitem__(self, name: str) -> Any:
        if name not in COMMANDS:
            raise KeyError(name)
        return typer.main.get_command(import_module(f"cli.{name}").app)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class Greenroom(typer.core.TyperGroup):
    """The root command: whatever goes wrong is one sentence on stderr, never a traceback of ours or a box."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"commands": _Imported()})

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(COMMANDS.items())

    def main(self, *args: Any, **options: Any) -> Any:
        options["standalone_mode"] = False
        try:
            status = super().main(*args, **options)
        except Exception as error:
            from cli.commands import told

            status = told(error)
        sys.exit(status if isinstance(status, int) else 0)


app = typer.Typer(
    cls=Greenroom,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True, help=f"Rehearse conversational agents.\n\n{EXIT_STATUSES}")
def greenroom(
    context: typer.Context,
    address: Annotated[
        str, typer.Option(envvar="GREENROOM_ADDRESS", help="The gateway, host:port.")
    ] = "127.0.0.1:9000",
    token: Annotated[
        str | None, typer.Option(envvar="GREENROOM_TOKEN", help="A bearer token; best set in the environment.")
    ] = None,
    tls: Annotated[bool, typer.Option("--tls", help="Speak TLS with the system's authorities.")] = False,
    tls_ca: Annotated[
        Path | None,
        typer.Option(envvar="GREENROOM_TLS_CA", help="Speak TLS with the authorities of this PEM file."),
    ] = None,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        return
    import grpc

    from cli.commands import Connection

    credentials = None
    if tls_ca is not None:
        credentials = grpc.ssl_channel_credentials(tls_ca.read_bytes())
    elif tls:
        credentials = grpc.ssl_channel_credentials()
    context.obj = Connection(address, token, credentials)
