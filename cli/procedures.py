"""greenroom procedures"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.message import Message

from cli.kit import specs
from cli.kit.export import After, Output, export
from cli.kit.imports import File, Format, Redact, RedactPatterns, redaction, reported
from cli.kit.lists import All, Limit, print_list
from cli.kit.names import named
from cli.kit.render import Rows, console, facts, print_json, short, when
from cli.kit.revisions import Number, Ready
from cli.kit.run import Json, Strict, Yes, command, confirmed, noun
from greenroom.client import Client
from greenroom.synthesizer.v1.procedure_pb2 import CreateProcedureRequest, Procedure, Revision, Step

app = noun("What an agent must do, in revisions.")

Name = Annotated[str, named("procedures")]


@command(app, "import")
async def import_(
    client: Client,
    file: File,
    format: Format = "greenroom",  # noqa: A002
    redact: Redact = "",
    redact_pattern: RedactPatterns = None,
    strict: Strict = False,
    json: Json = False,
) -> int:
    """Import procedures from a file. Bad lines are reported, the rest is imported."""
    redacted = redaction(redact, redact_pattern or [])
    return reported(await client.procedures.import_file(file, format=format, redaction=redacted), strict, json)


@command(app, "create")
async def create(
    client: Client,
    file: Annotated[Path, typer.Argument(help="YAML with `procedure` and `revision`, the fields of both.")],
    ready: Ready = False,
    json: Json = False,
) -> None:
    """Create a procedure with its first revision from a YAML file."""
    spec = specs.read(file, CreateProcedureRequest())
    made = await client.procedures.create(spec.procedure, spec.revision, ready=ready or spec.ready)
    _print(made.procedure, made.revision, json)


@command(app, "revise")
async def revise(
    client: Client,
    name: Name,
    file: Annotated[Path, typer.Argument(help="YAML with the fields of Revision, or the file of `create`.")],
    ready: Ready = False,
    json: Json = False,
) -> None:
    """Add a revision from a YAML file to a procedure."""
    content = specs.load(file)
    if isinstance(content, dict) and "revision" in content:
        new = specs.filled(content, CreateProcedureRequest(), str(file)).revision
    else:
        new = specs.filled(content, Revision(), str(file))
    revision = await client.procedures.add_revision(name, new, ready=ready)
    if json:
        print_json(revision)
    else:
        console().print(f"{name} has revision {revision.number}, {_state(revision)}.")


@command(app, "update-revision")
async def update_revision(
    client: Client,
    name: Name,
    revision: Number,
    file: Annotated[Path, typer.Argument(help="YAML with the fields of Revision.")],
    json: Json = False,
) -> None:
    """Replace the content of a draft by that of a YAML file."""
    updated = await client.procedures.update_revision(name, revision, specs.read(file, Revision()))
    if json:
        print_json(updated)
    else:
        console().print(f"{name} revision {updated.number} is updated.")


@command(app, "ready")
async def ready_(client: Client, name: Name, revision: Number, json: Json = False) -> None:
    """Make a revision ready: it can be rehearsed, and cannot change any more."""
    made = await client.procedures.mark_ready(name, revision)
    if json:
        print_json(made)
    else:
        console().print(f"{name} revision {made.number} is {_state(made)}.")


@command(app, "list")
async def list_(
    client: Client,
    external_id: Annotated[str, typer.Option(help="Only the one with this id of the caller's.")] = "",
    limit: Limit = None,
    every: All = False,
    json: Json = False,
) -> None:
    """List the procedures, newest first."""
    rows = Rows("PROCEDURE", "READY", "CALLED", "EXTERNAL ID", leave_out=["CALLED"], prose=["CALLED"])
    listing = client.procedures.list(external_id=external_id)
    await print_list(listing, rows, _row, limit=limit, every=every, json=json)


def _row(procedure: Procedure) -> tuple[str, ...]:
    newest = procedure.latest_ready_revision
    ready = f"{newest} of {procedure.latest_revision}" if newest else "no"
    return short(procedure.name), ready, procedure.display_name, procedure.external_id


@command(app, "show")
async def show(
    client: Client,
    name: Name,
    revision: Annotated[int, typer.Option(min=0, help="Which revision; 0: the newest.")] = 0,
    json: Json = False,
) -> None:
    """Show a procedure and one of its revisions."""
    found = await client.procedures.get(name, revision=revision)
    if json:
        print_json(found)
    else:
        _print(found.procedure, found.revision, json=False)


@command(app, "export")
async def export_(client: Client, output: Output = None, cursor: After = "") -> None:
    """Export the procedures that have a ready revision as JSONL that can be imported. Repeat an interrupted export to a
    file to continue it."""
    await export(client, "procedures", output, cursor, lambda after: client.procedures.export(cursor=after))


@command(app, "delete-revision")
async def delete_revision(client: Client, name: Name, revision: Number, yes: Yes = False) -> None:
    """Delete a draft, or a ready revision that nothing refers to, for good."""
    confirmed(f"Delete revision {revision} of {name} for good?", yes)
    await client.procedures.delete_revision(name, revision)
    console().print(f"Revision {revision} of {name} is deleted.")


@command(app, "delete")
async def delete(client: Client, name: Name, yes: Yes = False) -> None:
    """Delete a procedure that nothing refers to, with its revisions, for good."""
    confirmed(f"Delete {name} for good?", yes)
    await client.procedures.delete(name)
    console().print(f"{name} is deleted.")


def _print(procedure: Procedure, revision: Revision, json: bool) -> None:
    if json:
        print_json(procedure)
        return
    tools = ", ".join(tool.name + (" (required)" if tool.required else "") for tool in revision.tools)
    out = console()
    rows = [
        ("name", procedure.name),
        ("called", procedure.display_name),
        ("description", procedure.description),
        ("external id", procedure.external_id),
        ("created", when(procedure.create_time)),
        ("revision", f"{revision.number} of {procedure.latest_revision}, {_state(revision)}"),
        ("domain", f"{revision.domain}, revision {revision.domain_revision}" if revision.domain else ""),
        ("tools", tools),
        ("instructions", revision.instructions),
    ]
    out.print(facts(*rows))
    for number, step in enumerate(revision.steps, 1):
        out.print(f"  {number:3}. {_step(step)}")


def _state(revision: Revision) -> str:
    return Revision.State.Name(revision.state).removeprefix("STATE_").lower()


def _step(step: Step) -> str:
    """The kind of the step with its fields, except JSON Schemas and flags."""
    kind = str(step.WhichOneof("kind"))
    label = f"[{step.id}] " if step.id else ""
    values = [value for _, value in getattr(step, kind).ListFields()]
    texts = [value for value in values if isinstance(value, str)]
    maps = [value for value in values if isinstance(value, Mapping) and not isinstance(value, Message)]
    texts += [f"{name}={slot}" for value in maps for name, slot in value.items()]
    return f"{label}{kind}: {', '.join(texts)}" if texts else f"{label}{kind}"
