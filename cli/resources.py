"""greenroom resources"""

from typing import Annotated

import typer

from cli.kit.imports import File
from cli.kit.lists import All, Limit, print_list
from cli.kit.names import named
from cli.kit.render import Rows, console, facts, print_json, when
from cli.kit.run import Json, Strict, Yes, command, confirmed, noun
from greenroom.client import Client
from greenroom.synthesizer.v1.resource_set_pb2 import ResourceSet

app = noun("Sets of records, such as orders, that tools read and change.")

Name = Annotated[str, named("resources")]


@command(app, "import")
async def import_(
    client: Client,
    file: File,
    set_id: Annotated[str, typer.Option("--as", metavar="ID", help="The id of the set, such as retail.")],
    file_format: Annotated[
        str, typer.Option("--format", help="`greenroom` (JSONL) or `tau2` (a database): docs/formats.md.")
    ] = "greenroom",
    strict: Strict = False,  # noqa: ARG001 - nothing is ever left out
    json: Json = False,
) -> None:
    """Import a set from a file, whole or not at all, with --strict or without."""
    _print(await client.resources.import_file(file, set_id, file_format=file_format), json)


@command(app, "list")
async def list_(client: Client, limit: Limit = None, every: All = False, json: Json = False) -> None:
    """List the sets, newest first."""
    rows = Rows("SET", "RESOURCES", "BYTES", "TYPES", "IMPORTED", leave_out=["IMPORTED", "BYTES"])
    await print_list(client.resources.list(), rows, _row, limit=limit, every=every, json=json)


def _row(one: ResourceSet) -> tuple[str, ...]:
    return one.name, f"{one.resource_count:,}", f"{one.size:,}", ", ".join(sorted(one.types)), when(one.create_time)


@command(app, "show")
async def show(client: Client, name: Name, json: Json = False) -> None:
    """Show one set: how many resources of which types it has."""
    _print(await client.resources.get(name), json)


@command(app, "delete")
async def delete(client: Client, name: Name, yes: Yes = False) -> None:
    """Delete a set that no batch or conversation uses."""
    confirmed(f"Delete {name}?", yes)
    await client.resources.delete(name)
    console().print(f"{name} is deleted.")


def _print(one: ResourceSet, json: bool) -> None:
    if json:
        print_json(one)
        return
    console().print(
        facts(
            ("name", one.name),
            ("resources", f"{one.resource_count:,}, {one.size:,} bytes"),
            ("types", ", ".join(f"{count:,} {kind}" for kind, count in sorted(one.types.items()))),
            ("imported", f"{when(one.create_time)} by {one.creator}"),
        )
    )
