"""greenroom traces workflows"""

from pathlib import Path
from typing import Annotated

import typer

from cli.commands import OK, USAGE, Json, Limit, Yes, command, confirmed, first, named, noun
from cli.render import Rows, console, print_json, short, when
from cli.trace_options import Chain, workflow_source
from greenroom.client import Client, GreenroomError
from greenroom.testdata.v1.trace_call_pb2 import TraceParameters
from greenroom.testdata.v1.trace_workflow_pb2 import TraceWorkflow

app = noun("The chains that traces are generated from.")

Name = Annotated[str, named("workflows")]
File = Annotated[Path, typer.Argument(metavar="WORKFLOW.yaml", help="The chain as YAML, as `show` prints one.")]


@command(app, "list")
async def list_(client: Client, limit: Limit = 50, json: Json = False) -> None:
    """List the workflows, the built-in ones first."""
    rows = Rows("WORKFLOW", "DIGEST", "CHANGED")
    async for one in first(client.traces.workflows.list(), limit):
        if json:
            print_json(one)
        rows.add(short(one.name), one.digest[:12], "built in" if one.built_in else when(one.update_time))
    if not json:
        console().print(rows)


@command(app, "show")
async def show(client: Client, name: Name, json: Json = False) -> None:
    """Print a workflow as YAML, for `create` and `update` to read."""
    found = await client.traces.workflows.get(name)
    if json:
        print_json(found.workflow)
    else:
        print(found.yaml, end="")  # noqa: T201


@command(app, "create")
async def create(
    client: Client,
    workflow: Chain,
    name: Annotated[str, typer.Option("--as", help="What to call it, instead of what it calls itself.")] = "",
    json: Json = False,
) -> None:
    """Keep a workflow from a YAML file, or a copy of one under another name."""
    _print(await client.traces.workflows.create(workflow_source(workflow), name=name), "created", json)


@command(app, "update")
async def update(client: Client, name: Name, file: File, json: Json = False) -> None:
    """Replace a workflow's chain by that of a YAML file."""
    _print(await client.traces.workflows.update(name, workflow_source(str(file))), "changed", json)


@command(app, "delete")
async def delete(client: Client, name: Name, yes: Yes = False) -> None:
    """Delete a workflow for good; datasets keep their copies."""
    confirmed(f"Delete {name} for good?", yes)
    await client.traces.workflows.delete(name)
    console().print(f"{name} is deleted.")


@command(app, "validate")
async def validate(client: Client, file: File) -> int:
    """Say everything that is wrong with a workflow in a YAML file, a line for each fault."""
    try:
        await client.traces.session(workflow_source(str(file)), TraceParameters(users=1))
    except GreenroomError as error:
        if error.reason != "WORKFLOW_INVALID":
            raise
        for one in error.violations:
            place = one.field.removeprefix("workflow").removeprefix(".yaml").removeprefix(".")
            place = f"{place}: " if place else ""
            console(stderr=True).print(f"{file}: {place}{one.description}", soft_wrap=True, markup=False)
        return USAGE
    console().print(f"{file} is a workflow.", soft_wrap=True)
    return OK


def _print(workflow: TraceWorkflow, what: str, json: bool) -> None:
    if json:
        print_json(workflow)
    else:
        console().print(f"{workflow.name} is {what}; its digest is {workflow.digest[:12]}.", soft_wrap=True)
