"""greenroom rubrics"""

from pathlib import Path
from typing import Annotated

import typer

from cli.kit.lists import All, Limit, print_list
from cli.kit.names import named
from cli.kit.render import Rows, console, facts, print_document, print_json, short, when
from cli.kit.run import Json, Yes, command, confirmed, noun
from greenroom.client import Client
from greenroom.evaluator.v1.rubric_pb2 import Rubric, RubricRevision

app = noun("What judges are asked about conversations.")

Name = Annotated[str, named("rubrics")]
Number = Annotated[int, typer.Argument(min=1, help="The revision's number.")]
File = Annotated[Path, typer.Argument(help="The rubric as YAML or JSON.")]
Ready = Annotated[bool, typer.Option("--ready", help="Make the revision ready at once; it cannot change any more.")]


@command(app, "create")
async def create(
    client: Client,
    file: File,
    external_id: Annotated[str, typer.Option(help="Your own id for it.")] = "",
    ready: Ready = False,
    json: Json = False,
) -> None:
    """Store the rubric in a file with its first revision."""
    made = await client.rubrics.create(file, external_id=external_id, ready=ready)
    _print(made.rubric, made.revision, json)


@command(app, "revise")
async def revise(client: Client, name: Name, file: File, ready: Ready = False, json: Json = False) -> None:
    """Add the rubric in a file as the next revision."""
    revision = await client.rubrics.add_revision(name, file, ready=ready)
    if json:
        print_json(revision)
    else:
        console().print(f"{name} has revision {revision.number}, {_state(revision)}.")


@command(app, "update-revision")
async def update_revision(client: Client, name: Name, revision: Number, file: File, json: Json = False) -> None:
    """Replace the content of a draft by the rubric in a file."""
    updated = await client.rubrics.update_revision(name, revision, file)
    if json:
        print_json(updated)
    else:
        console().print(f"{name} revision {updated.number} is updated.")


@command(app, "ready")
async def ready_(client: Client, name: Name, revision: Number, json: Json = False) -> None:
    """Make a revision ready: it cannot change any more."""
    made = await client.rubrics.mark_ready(name, revision)
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
    """List the rubrics, newest first."""
    rows = Rows("RUBRIC", "READY", "CALLED", "EXTERNAL ID", leave_out=["CALLED"], prose=["CALLED"])
    listing = client.rubrics.list(external_id=external_id)
    await print_list(listing, rows, _row, limit=limit, every=every, json=json)


def _row(rubric: Rubric) -> tuple[str, ...]:
    newest = rubric.latest_ready_revision
    ready = f"{newest} of {rubric.latest_revision}" if newest else "no"
    return short(rubric.name), ready, rubric.display_name, rubric.external_id


@command(app, "show")
async def show(
    client: Client,
    name: Name,
    revision: Annotated[int, typer.Option(min=0, help="Which revision; 0: the newest.")] = 0,
    yaml: Annotated[bool, typer.Option("--yaml", help="Print the rubric as YAML.")] = False,
    json: Json = False,
) -> None:
    """Show a rubric and one of its revisions."""
    found = await client.rubrics.get(name, revision=revision)
    if json:
        print_json(found)
    elif yaml:
        print_document(found.revision.content.decode())
    else:
        _print(found.rubric, found.revision, json=False)


@command(app, "delete-revision")
async def delete_revision(client: Client, name: Name, revision: Number, yes: Yes = False) -> None:
    """Delete a revision for good."""
    confirmed(f"Delete revision {revision} of {name} for good?", yes)
    await client.rubrics.delete_revision(name, revision)
    console().print(f"Revision {revision} of {name} is deleted.")


@command(app, "delete")
async def delete(client: Client, name: Name, yes: Yes = False) -> None:
    """Delete a rubric with its revisions, for good."""
    confirmed(f"Delete {name} for good?", yes)
    await client.rubrics.delete(name)
    console().print(f"{name} is deleted.")


def _print(rubric: Rubric, revision: RubricRevision, json: bool) -> None:
    if json:
        print_json(rubric)
        return
    rows = [
        ("name", rubric.name),
        ("called", rubric.display_name),
        ("description", rubric.description),
        ("external id", rubric.external_id),
        ("created", when(rubric.create_time)),
        ("revision", f"{revision.number} of {rubric.latest_revision}, {_state(revision)}"),
        ("criteria", ", ".join(revision.criteria)),
    ]
    console().print(facts(*rows))


def _state(revision: RubricRevision) -> str:
    return RubricRevision.State.Name(revision.state).removeprefix("STATE_").lower()
