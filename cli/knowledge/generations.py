"""greenroom knowledge generations"""

from typing import Annotated

import typer

from cli.kit.lists import All, Limit, print_list
from cli.kit.names import named, naming
from cli.kit.render import Rows, console, facts, print_json, when
from cli.kit.run import Json, Yes, command, confirmed, noun
from cli.knowledge.requests import plan_facts, request_facts
from greenroom.client import Client
from greenroom.enricher.v1.pattern_pb2 import Generation

app = noun("The history of generated records.")

Name = Annotated[str, named("generations")]


@command(app, "list")
async def list_(
    client: Client,
    domain: Annotated[str, naming("domains", "Only of this domain.")] = "",
    entity: Annotated[str, typer.Option(help="Only of this entity.")] = "",
    success: Annotated[
        bool | None, typer.Option("--succeeded/--failed", help="Only those that succeeded, or that failed.")
    ] = None,
    limit: Limit = None,
    every: All = False,
    json: Json = False,
) -> None:
    """List generations, newest first."""
    rows = Rows("GENERATION", "DOMAIN", "ENTITY", "OUTCOME", "RECORDS", "QUALITY", "RECORDED", leave_out=["RECORDED"])
    listing = client.generations.list(domain=domain, entity=entity, success=success)
    await print_list(listing, rows, _row, limit=limit, every=every, json=json)


def _row(one: Generation) -> tuple[str, ...]:
    asked, outcome = one.request, "succeeded" if one.success else "failed"
    made = f"{one.record_count:,}", f"{one.quality:.2f}"
    return one.name, asked.domain, asked.entity, outcome, *made, when(one.create_time)


@command(app, "show")
async def show(client: Client, name: Name, json: Json = False) -> None:
    """Show what was asked, how it was generated, and what came of it."""
    generation = await client.generations.get(name)
    if json:
        print_json(generation)
        return
    console().print(
        facts(
            ("name", generation.name),
            *request_facts(generation.request),
            *plan_facts(generation.plan),
            ("outcome", "succeeded" if generation.success else "failed"),
            ("error", generation.error),
            ("records", f"{generation.record_count:,}"),
            ("quality", f"{generation.quality:.2f}"),
            ("pattern", generation.pattern),
            ("recorded", f"{when(generation.create_time)} by {generation.creator}"),
        )
    )


@command(app, "delete")
async def delete(client: Client, name: Name, yes: Yes = False) -> None:
    """Delete a generation from the history; its pattern stays."""
    confirmed(f"Delete {name} from the history?", yes)
    await client.generations.delete(name)
    console().print(f"{name} is deleted.")
