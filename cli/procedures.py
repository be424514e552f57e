"""greenroom procedures"""

from pathlib import Path
from typing import Annotated

import typer

from cli import specs
from cli.commands import Json, Limit, command, first, named, noun
from cli.imports import File, Format, reported
from cli.render import Rows, console, facts, print_json, short, when
from greenroom.client import Client
from greenroom.synthesizer.v1.procedure_pb2 import CreateProcedureRequest, Procedure, Revision, Step

app = noun("What an agent must do, in revisions.")

Name = Annotated[str, named("procedures")]
Ready = Annotated[bool, typer.Option("--ready", help="Make the revision ready at once; it cannot change any more.")]


@command(app, "import")
async def import_(client: Client, file: File, format: Format = "greenroom", json: Json = False) -> int:  # noqa: A002
    """Import procedures from a file. Bad lines are reported, the rest is imported."""
    return reported(await client.procedures.import_file(file, format=format), json)


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
    file: Annotated[Path, typer.Argument(help="YAML with the fields of Revision.")],
    ready: Ready = False,
    json: Json = False,
) -> None:
    """Add a revision from a YAML file to a procedure."""
    revision = await client.procedures.add_revision(name, specs.read(file, Revision()), ready=ready)
    if json:
        print_json(revision)
    else:
        console().print(f"{name} has revision {revision.number}, {_state(revision)}.")


@command(app, "ready")
async def ready_(
    client: Client, name: Name, revision: Annotated[int, typer.Argument(min=1)], json: Json = False
) -> None:
    """Make a revision ready, from when on it can be rehearsed and cannot change."""
    made = await client.procedures.mark_ready(name, revision)
    if json:
        print_json(made)
    else:
        console().print(f"{name} revision {made.number} is {_state(made)}.")


@command(app, "list")
async def list_(
    client: Client,
    external_id: Annotated[str, typer.Option(help="Only the one with this id of the caller's.")] = "",
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """List the procedures, oldest first."""
    rows = Rows("PROCEDURE", "READY", "CALLED", "EXTERNAL ID", shorten=["CALLED", "EXTERNAL ID"])
    async for one in first(client.procedures.list(external_id=external_id), limit):
        if json:
            print_json(one)
        ready = f"{one.latest_ready_revision} of {one.latest_revision}" if one.latest_ready_revision else "no"
        rows.add(short(one.name), ready, one.display_name, one.external_id)
    if not json:
        console().print(rows)


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
        ("tools", tools),
        ("instructions", revision.instructions),
    ]
    out.print(facts(*rows))
    for number, step in enumerate(revision.steps, 1):
        out.print(f"  {number:3}. {_step(step)}", markup=False)


def _state(revision: Revision) -> str:
    return Revision.State.Name(revision.state).removeprefix("STATE_").lower()


def _step(step: Step) -> str:
    kind = step.WhichOneof("kind")
    label = f"[{step.id}] " if step.id else ""
    words = {
        "say": f"say: {step.say.text}",
        "ask": f"ask for {step.ask.slot}: {step.ask.question}",
        "call": f"call {step.call.tool}({', '.join(f'{name}={slot}' for name, slot in step.call.arguments.items())})",
        "branch": f"if {step.branch.condition} go to {step.branch.then}"
        + (f", else to {step.branch.otherwise}" if step.branch.otherwise else ""),
        "end": f"end{': ' + step.end.text if step.end.text else ''}",
    }
    return label + words[str(kind)]
