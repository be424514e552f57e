"""greenroom sources"""

from datetime import timedelta
from typing import Annotated

import typer

from cli.kit.export import After, Output, export
from cli.kit.imports import (
    Authors,
    Columns,
    DryRun,
    File,
    FinishedAfter,
    Redact,
    RedactPatterns,
    SourceFormat,
    TimeFormat,
    previewed,
    redaction,
    reported,
    table_mapping,
)
from cli.kit.lists import All, Limit, print_list
from cli.kit.names import named, naming
from cli.kit.render import Rows, console, facts, print_json, short, when
from cli.kit.run import ExternalIdPrefix, ExternalIds, Json, Labels, Strict, Yes, command, confirmed, noun
from cli.kit.transcript import line
from greenroom.client import Client
from greenroom.synthesizer.v1.source_pb2 import Source, SourceFilter

app = noun("Real, finished conversations that synthetic ones start from.")

Name = Annotated[str, named("sources")]
OfFormat = Annotated[str, typer.Option("--format", help="Only of this format.")]
OfProcedure = Annotated[str, naming("procedures", "Only those linked to this procedure.")]
Finished = Annotated[bool, typer.Option("--finished", help="Only finished ones.")]


@command(app, "import")
async def import_(
    client: Client,
    file: File,
    format: SourceFormat = "",  # noqa: A002
    label: Annotated[
        list[str] | None, typer.Option("--label", "-l", help="A label for each source of the file; may be repeated.")
    ] = None,
    column: Columns = None,
    author: Authors = None,
    time_format: TimeFormat = "",
    finished_after: FinishedAfter = 30,
    redact: Redact = "",
    redact_pattern: RedactPatterns = None,
    dry_run: DryRun = False,
    strict: Strict = False,
    json: Json = False,
) -> int:
    """Import sources from a file. Bad lines are reported, the rest is imported."""
    table, after = table_mapping(column or [], author or [], time_format), timedelta(minutes=finished_after)
    redacted = redaction(redact, redact_pattern or [])
    if dry_run:
        preview = await client.sources.preview_file(
            file, format=format, table=table, finished_after=after, redaction=redacted
        )
        return previewed(preview, strict, json)
    summary = await client.sources.import_file(
        file, format=format, labels=label or (), table=table, finished_after=after, redaction=redacted
    )
    return reported(summary, strict, json, say_format=not format)


@command(app, "list")
async def list_(
    client: Client,
    format: OfFormat = "",  # noqa: A002
    procedure: OfProcedure = "",
    external_id: ExternalIds = None,
    external_id_prefix: ExternalIdPrefix = "",
    label: Labels = None,
    finished: Finished = False,
    limit: Limit = None,
    every: All = False,
    json: Json = False,
) -> None:
    """List the sources, newest first."""
    wanted = _filter(format, procedure, external_id, external_id_prefix, label, finished)
    columns = ("SOURCE", "EVENTS", "FINISHED", "FORMAT", "EXTERNAL ID", "LABELS")
    rows = Rows(*columns, leave_out=["FORMAT", "FINISHED", "EVENTS"])
    await print_list(client.sources.list(wanted), rows, _row, limit=limit, every=every, json=json)


def _row(source: Source) -> tuple[str, ...]:
    finished, labels = "yes" if source.finished else "no", " ".join(source.labels)
    return short(source.name), str(source.event_count), finished, source.format, source.external_id, labels


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
        ("labels", " ".join(source.labels)),
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


@command(app, "export")
async def export_(
    client: Client,
    output: Output = None,
    format: OfFormat = "",  # noqa: A002
    procedure: OfProcedure = "",
    external_id: ExternalIds = None,
    external_id_prefix: ExternalIdPrefix = "",
    label: Labels = None,
    finished: Finished = False,
    cursor: After = "",
) -> None:
    """Export sources as JSONL that can be imported. Repeat an interrupted export to a file to continue it."""
    wanted = _filter(format, procedure, external_id, external_id_prefix, label, finished)
    await export(client, f"sources {wanted}", output, cursor, lambda after: client.sources.export(wanted, cursor=after))


def _filter(
    format: str,  # noqa: A002
    procedure: str,
    external_ids: list[str] | None,
    prefix: str,
    labels: list[str] | None,
    finished: bool,
) -> SourceFilter:
    return SourceFilter(
        format=format,
        procedure=procedure,
        finished=finished,
        external_ids=external_ids or (),
        external_id_prefix=prefix,
        labels=labels or (),
    )


@command(app, "delete")
async def delete(client: Client, name: Name, yes: Yes = False) -> None:
    """Delete a source that nothing refers to, for good."""
    confirmed(f"Delete {name} for good?", yes)
    await client.sources.delete(name)
    console().print(f"{name} is deleted.")
