"""greenroom knowledge templates"""

from typing import Annotated

import typer

from cli.kit.lists import All, Limit, print_list
from cli.kit.names import named, naming
from cli.kit.render import Rows, console, facts, print_json, when
from cli.kit.run import Json, Yes, command, confirmed, noun
from cli.knowledge.requests import plan_facts, request_facts
from greenroom.client import Client
from greenroom.enricher.v1.pattern_pb2 import Template

app = noun("Patterns with a name, so that requests can name them.")

Name = Annotated[str, named("templates")]


@command(app, "create")
async def create(
    client: Client,
    pattern: Annotated[str, named("patterns")],
    template_id: Annotated[str, typer.Argument(metavar="ID", help="The id of the template, such as `paid-orders`.")],
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    json: Json = False,
) -> None:
    """Make a template from a pattern."""
    template = await client.templates.create(template_id, pattern, description=description)
    if json:
        print_json(template)
    else:
        console().print(template.name)


@command(app, "list")
async def list_(
    client: Client,
    domain: Annotated[str, naming("domains", "Only of this domain.")] = "",
    entity: Annotated[str, typer.Option(help="Only of this entity.")] = "",
    limit: Limit = None,
    every: All = False,
    json: Json = False,
) -> None:
    """List templates, newest first."""
    rows = Rows("TEMPLATE", "DOMAIN", "ENTITY", "DESCRIPTION", "MADE", leave_out=["MADE"], prose=["DESCRIPTION"])
    await print_list(
        client.templates.list(domain=domain, entity=entity), rows, _row, limit=limit, every=every, json=json
    )


def _row(one: Template) -> tuple[str, ...]:
    return one.name, one.request.domain, one.request.entity, one.description, when(one.create_time)


@command(app, "show")
async def show(client: Client, name: Name, json: Json = False) -> None:
    """Show what a template asks, and how it was generated."""
    template = await client.templates.get(name)
    if json:
        print_json(template)
        return
    console().print(
        facts(
            ("name", template.name),
            ("description", template.description),
            *request_facts(template.request),
            *plan_facts(template.plan),
            ("pattern", template.pattern),
            ("made", f"{when(template.create_time)} by {template.creator}"),
        )
    )


@command(app, "delete")
async def delete(client: Client, name: Name, yes: Yes = False) -> None:
    """Delete a template for good."""
    confirmed(f"Delete {name} for good?", yes)
    await client.templates.delete(name)
    console().print(f"{name} is deleted.")
