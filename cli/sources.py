"""greenroom sources"""

from typing import Annotated

import typer

from cli.commands import Json, Limit, Yes, command, confirmed, first, named, naming, noun
from cli.imports import File, Format, reported
from cli.render import Rows, console, facts, print_json, short, when
from cli.transcript import line
from greenroom.client import Client
from greenroom.synthesizer.v1.source_pb2 import SourceFilter

app = noun("Real, finished conversations that synthetic ones start from.")

Name = Annotated[str, named("sources")]


@command(app, "import")
async def import_(client: Client, file: File, format: Format = "greenroom", json: Json = False) -> int:  # noqa: A002
    """Import sources from a file. Bad lines are reported, the rest is imported."""
    return reported(await client.sources.import_file(file, format=format), json)


@command(app, "list")
async def list_(
    client: Client,
    format: Annotated[str, typer.Option(help="Only of this format.")] = "",  # noqa: A002
    procedure: Annotated[str, naming("procedures", "Only those linked to this procedure.")] = "",
    external_id: Annotated[str, typer.Option(help="Only the one with this id of the file's.")] = "",
    finished: Annotated[bool, typer.Option("--finished", help="Only finished ones.")] = False,
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """List the sources, oldest first."""
    wanted = SourceFilter(format=format, procedure=procedure, external_id=external_id, finished=finished)
    rows = Rows("SOURCE", "EVENTS", "FINISHED", "FORMAT", "EXTERNAL ID", shorten=["FORMAT", "EXTERNAL ID"])
    async for one in first(client.sources.list(wanted), limit):
        if json:
            print_json(one)
        rows.add(short(one.name), str(one.event_count), "yes" if one.finished else "no", one.format, one.external_id)
    if not json:
        console().print(rows)


@command(app, "show")
async def show(client: Client, name: Name, json: Json = False) -> None:
    """Show one source without its events."""
    source = await client.sources.get(name)
    if json:
        print_json(source)
        return
    procedure = f"{source.procedure} revision {source.revision}" if source.procedure else ""
    rows = [
        ("name", source.name),
        ("external id", source.external_id),
        ("format", source.format),
        ("finished", "yes" if source.finished else "no"),
        ("linked to", procedure),
        ("events", str(source.event_count)),
        ("resources", str(source.resource_count)),
        ("imported", when(source.create_time)),
    ]
    console().print(facts(*rows))


@command(app, "transcript")
async def transcript(client: Client, name: Name, json: Json = False) -> None:
    """Print what was said in a source."""
    out = console()
    async for event in client.sources.events(name):
        if json:
            print_json(event)
        elif (shown := line(event)) is not None:
            out.print(shown)


@command(app, "delete")
async def delete(client: Client, name: Name, yes: Yes = False) -> None:
    """Delete a source that nothing refers to, for good."""
    confirmed(f"Delete {name} for good?", yes)
    await client.sources.delete(name)
    console().print(f"{name} is deleted.")
