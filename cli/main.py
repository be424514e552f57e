"""The `greenroom` command and its nouns."""

from pathlib import Path
from typing import Annotated

import grpc
import typer

from cli import batches, conversations, demo, personas, procedures, serve, sources, status, up
from cli.commands import EXIT_STATUSES, Connection, Sentences

app = typer.Typer(
    cls=Sentences, pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]}
)

for _noun in (sources, procedures, personas, conversations, batches):
    app.add_typer(_noun.app)
for _verb in (demo.demo, up.up, serve.serve, status.status):
    app.command()(_verb)


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
    credentials = None
    if tls_ca is not None:
        credentials = grpc.ssl_channel_credentials(tls_ca.read_bytes())
    elif tls:
        credentials = grpc.ssl_channel_credentials()
    context.obj = Connection(address, token, credentials)
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
