"""greenroom knowledge patterns"""

from typing import Annotated

import typer

from cli.kit.lists import All, Limit, print_list
from cli.kit.names import named, naming
from cli.kit.render import Rows, console, facts, print_json, when
from cli.kit.run import Json, Yes, command, confirmed, noun
from cli.knowledge.requests import plan_facts, request_facts
from greenroom.client import Client
from greenroom.enricher.v1.enrichment_pb2 import EnrichRequest
from greenroom.enricher.v1.pattern_pb2 import Pattern

app = noun("Requests whose records were made, with the best plan for each.")

Name = Annotated[str, named("patterns")]


@command(app, "list")
async def list_(
    client: Client,
    domain: Annotated[str, naming("domains", "Only of this domain.")] = "",
    entity: Annotated[str, typer.Option(help="Only of this entity.")] = "",
    limit: Limit = None,
    every: All = False,
    json: Json = False,
) -> None:
    """List patterns, newest first."""
    rows = Rows("PATTERN", "DOMAIN", "ENTITY", "QUALITY", "GENERATIONS", "USES", leave_out=["GENERATIONS"])
    await print_list(
        client.patterns.list(domain=domain, entity=entity), rows, _row, limit=limit, every=every, json=json
    )


def _row(one: Pattern) -> tuple[str, ...]:
    counts = f"{one.quality:.2f}", f"{one.generation_count:,}", f"{one.use_count:,}"
    return one.name, one.request.domain, one.request.entity, *counts


@command(app, "find")
async def find(
    client: Client,
    domain: Annotated[str, named("domains")],
    entity: Annotated[str, typer.Argument(help="The entity.")],
    workflow: Annotated[str, typer.Option(metavar="ID", help="The workflow.")] = "",
    hint: Annotated[list[str] | None, typer.Option(metavar="TEXT", help="A wish in words; may be repeated.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="Show this many at most.")] = 10,
    json: Json = False,
) -> None:
    """Find the patterns that are most similar to a request."""
    request = EnrichRequest(domain=domain, entity=entity, workflow=workflow, hints=hint or [])
    found = await client.patterns.find(request, limit=limit)
    rows = Rows("PATTERN", "DOMAIN", "ENTITY", "SIMILARITY", "QUALITY")
    for match in found:
        if json:
            print_json(match)
        else:
            one = match.pattern
            about = one.name, one.request.domain, one.request.entity
            rows.add(*about, f"{match.similarity:.2f}", f"{one.quality:.2f}")
    if not json and not found:
        console().print("There are no patterns yet.")
    elif not json:
        console().print(rows)


@command(app, "show")
async def show(client: Client, name: Name, json: Json = False) -> None:
    """Show what was asked, and the best plan for it."""
    pattern = await client.patterns.get(name)
    if json:
        print_json(pattern)
        return
    console().print(
        facts(
            ("name", pattern.name),
            *request_facts(pattern.request),
            *plan_facts(pattern.plan),
            ("records", f"{pattern.record_count:,}"),
            ("quality", f"{pattern.quality:.2f}"),
            ("generations", f"{pattern.generation_count:,}"),
            ("uses", f"{pattern.use_count:,}"),
            ("recorded", f"{when(pattern.create_time)} by {pattern.creator}"),
        )
    )


@command(app, "delete")
async def delete(client: Client, name: Name, yes: Yes = False) -> None:
    """Delete a pattern for good; its generations and templates stay."""
    confirmed(f"Delete {name} for good?", yes)
    await client.patterns.delete(name)
    console().print(f"{name} is deleted.")
