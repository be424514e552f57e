"""greenroom enrich"""

from typing import Annotated

import typer

from cli.kit.bounds import asked
from cli.kit.names import named, naming
from cli.kit.render import Rows, console, facts, print_json
from cli.kit.run import Failed, Json, command, verb
from cli.kit.shares import share
from greenroom.client import Client
from greenroom.enricher.v1.enrichment_pb2 import DomainContext, EnrichRequest, EnrichResponse
from shared.plain import visible

app = verb()


@command(app, "enrich")
async def enrich(
    client: Client,
    domain: Annotated[str, named("domains")],
    entity: Annotated[str, typer.Argument(help="The entity to generate; leave it out to read about all of them.")] = "",
    workflow: Annotated[str, typer.Option(metavar="ID", help="Only this workflow.")] = "",
    scenario: Annotated[
        list[str] | None, typer.Option(metavar="ID[=SHARE]", help="A scenario and its share; may be repeated.")
    ] = None,
    hint: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help="A wish in words, such as `only paid orders`; may be repeated."),
    ] = None,
    template: Annotated[str, naming("templates", "A template, merged below the request.")] = "",
    edge_cases: Annotated[bool, typer.Option("--edge-cases", help="With the edge cases.")] = False,
    revision: Annotated[int, typer.Option(min=0, help="Which revision; 0: the newest ready one.")] = 0,
    json: Json = False,
) -> None:
    """Show what a domain says about an entity, and what a request for it becomes.

    Without hints, scenarios and a template, this prints the context that agents, personas and generators are given.
    """
    if not (hint or scenario or template):
        context = await client.enrichment.context(
            domain, revision=revision, entity=entity, workflow=workflow, edge_cases=edge_cases
        )
        if json:
            print_json(context)
        else:
            _print_context(context)
        return
    request = EnrichRequest(
        domain=domain,
        revision=revision,
        entity=entity,
        hints=hint or [],
        scenarios=map(share, scenario or []),
        workflow=workflow,
        include_edge_cases=edge_cases,
        template=template,
    )
    response = await client.enrichment.enrich(request)
    if json:
        print_json(response)
    elif response.enriched:
        _print_enriched(response)
    if response.HasField("error"):
        raise Failed(response.error.message)


def _print_context(context: DomainContext) -> None:
    console().print(visible(context.text), markup=False, highlight=False, soft_wrap=True)
    for hint in context.hints:
        console().print(f"→ {visible(hint)}", markup=False, highlight=False, soft_wrap=True)


def _print_enriched(response: EnrichResponse) -> None:
    shares = (f"{one.share:.0%} {one.scenario}" for one in response.scenarios)
    told = ("domain", f"{response.context.domain}, revision {response.context.revision}")
    console().print(facts(told, ("scenarios", ", ".join(shares))))
    rows = Rows("FIELD", "ALLOWS", prose=["ALLOWS"])
    for one in response.constraints:
        rows.add(one.field, asked(one))
    console().print(rows)
    for outcome in response.metadata.hints:
        sign = "understood" if outcome.applied else "not applied"
        console().print(f"{sign}: “{visible(outcome.hint)}” → {visible(outcome.outcome)}", markup=False, soft_wrap=True)
    for used in response.metadata.patterns:
        console().print(f"{used.pattern}: {visible(used.hint)}", markup=False, highlight=False, soft_wrap=True)
    for problem in (response.metadata.knowledge_problem, response.metadata.patterns_problem):
        if problem:
            console().print(visible(problem), markup=False, highlight=False, soft_wrap=True)
