"""The `greenroom` command. A command is a line in COMMANDS and a module here; modules are imported on demand."""

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
    "init": "Write a first procedure, personas and a batch, inferred from recorded conversations.",
    "up": "Serve everything in one process, until Ctrl-C.",
    "serve": "Serve one service.",
    "status": "Show the health of the gateway and of each service.",
    "sources": "Real, finished conversations; synthetic ones start from them.",
    "procedures": "Instructions and steps of agents, in revisions.",
    "campaigns": "Message workflows: check them before they reach a person.",
    "personas": "Simulated users.",
    "resources": "Sets of records, such as orders, that tools read and change.",
    "enrich": "What a domain says about an entity, and what a request for it becomes.",
    "generate": "Test data that obeys a domain, from one request.",
    "domains": "What businesses know: entities, rules, edge cases, workflows.",
    "records": "Records that obey the rules of a domain, and the schemas that they are made from.",
    "knowledge": "What your business knows: documents, and what worked when records were generated.",
    "tools": "Mocked tools: try what they answer.",
    "agents": "Agents under test: check one before it is rehearsed.",
    "rehearse": "Rehearse, evaluate, and say whether an agent is good enough, or as good as another one.",
    "rehearsals": "Rehearsals with their verdicts.",
    "talk": "Talk to an agent yourself, or be the agent.",
    "conversations": "Test conversations, generated or written by hand.",
    "batches": "Many conversations, started by one request.",
    "evaluations": "Whether conversations met what is expected of them.",
    "reports": "Verdicts with their evidence.",
    "rubrics": "What judges are asked about conversations.",
    "calibrations": "How far personas are from people, and in which trait.",
    "judge": "What judges say of conversations, and how far people agree with them.",
    "recordings": "Recorded calls of models, to repeat a run without them.",
    "traces": "API logs with known ground truth: generate, learn from logs, compare.",
}
"""The help of each command. Its module `cli.<name>` holds the Typer application `app`."""

EXIT_STATUSES = """\
Exit status: 0 success; 1 the command failed, or the work that it waited for had failures; 2 bad usage or input; \
3 not found; 4 the gateway cannot be reached; 130 interrupted."""


class _Imported(Mapping[str, Any]):
    """The commands by name; each is imported when it is used."""

    def __getitem__(self, name: str) -> Any:
        if name not in COMMANDS:
            raise KeyError(name)
        return typer.main.get_command(import_module(f"cli.{name}").app)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class Greenroom(typer.core.TyperGroup):
    """The root command. It reports an error as one sentence on stderr."""

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
            from cli.kit.run import report

            status = report(error)
        sys.exit(status if isinstance(status, int) else 0)


app = typer.Typer(
    cls=Greenroom,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True, help=f"Test conversational agents before launch.\n\n{EXIT_STATUSES}")
def greenroom(
    context: typer.Context,
    address: Annotated[
        str, typer.Option(envvar="GREENROOM_ADDRESS", help="The gateway, host:port.")
    ] = "127.0.0.1:9000",
    token: Annotated[
        str | None, typer.Option(envvar="GREENROOM_TOKEN", help="A bearer token; best set in the environment.")
    ] = None,
    tls: Annotated[bool, typer.Option("--tls", help="Use TLS with the certificate authorities of the system.")] = False,
    tls_ca: Annotated[
        Path | None,
        typer.Option(envvar="GREENROOM_TLS_CA", help="Use TLS with the certificate authorities in this PEM file."),
    ] = None,
    acting_as: Annotated[
        str | None,
        typer.Option("--as", envvar="GREENROOM_AS", help="Who you are, on a server here that does not authenticate."),
    ] = None,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        return
    import grpc

    from cli.kit.run import USAGE, Connection, Failed
    from shared.hosts import is_grpc_address

    if not is_grpc_address(address):
        raise Failed(f"`{address}` is no address of a gateway; write host:port, such as 127.0.0.1:9000.", USAGE)
    credentials = None
    if tls_ca is not None:
        credentials = grpc.ssl_channel_credentials(tls_ca.read_bytes())
    elif tls:
        credentials = grpc.ssl_channel_credentials()
    if acting_as:
        from shared.auth import person

        person(acting_as)
    context.obj = Connection(address, token, credentials, acting_as)
