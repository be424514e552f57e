"""greenroom traces workflows"""

from pathlib import Path
from typing import Annotated

import typer

from cli.kit.lists import All, Limit, print_list
from cli.kit.names import named
from cli.kit.render import Rows, console, print_document, print_json, short, when
from cli.kit.run import OK, USAGE, Json, Yes, command, confirmed, noun
from cli.traces.options import Chain, workflow_source
from greenroom.client import Client, GreenroomError
from greenroom.testdata.v1.trace_call_pb2 import TraceParameters
from greenroom.testdata.v1.trace_workflow_pb2 import TraceWorkflow

app = noun("The chains that traces are generated from.")

Name = Annotated[str, named("workflows")]
File = Annotated[Path, typer.Argument(metavar="WORKFLOW.yaml", help="The chain as YAML, as `show` prints one.")]


@command(app, "list")
async def list_(client: Client, limit: Limit = None, every: All = False, json: Json = False) -> None:
    """List the workflows, the built-in ones first, then the newest first."""
    rows = Rows("WORKFLOW", "DIGEST", "CHANGED", leave_out=["DIGEST"])
    await print_list(client.traces.workflows.list(), rows, _row, limit=limit, every=every, json=json)


def _row(workflow: TraceWorkflow) -> tuple[str, ...]:
    changed = "built in" if workflow.built_in else when(workflow.update_time)
    return short(workflow.name), workflow.digest[:12], changed


@command(app, "show")
async def show(client: Client, name: Name, json: Json = False) -> None:
    """Print a workflow as YAML, for `create` and `update` to read."""
    found = await client.traces.workflows.get(name)
    if json:
        print_json(found.workflow)
    else:
        print_document(found.yaml)


@command(app, "create")
async def create(
    client: Client,
    workflow: Chain,
    name: Annotated[str, typer.Option("--as", help="What to call it, instead of what it calls itself.")] = "",
    json: Json = False,
) -> None:
    """Store a workflow from a YAML file, or a copy of one under another name."""
    _print(await client.traces.workflows.create(workflow_source(workflow), name=name), "created", json)


@command(app, "update")
async def update(client: Client, name: Name, file: File, json: Json = False) -> None:
    """Replace a workflow's chain with the one in a YAML file."""
    _print(await client.traces.workflows.update(name, workflow_source(str(file))), "changed", json)


@command(app, "delete")
async def delete(client: Client, name: Name, yes: Yes = False) -> None:
    """Delete a workflow for good; datasets keep their copies."""
    confirmed(f"Delete {name} for good?", yes)
    await client.traces.workflows.delete(name)
    console().print(f"{name} is deleted.")


@command(app, "validate")
async def validate(client: Client, file: File) -> int:
    """Check a workflow in a YAML file, and print one line for each fault."""
    try:
        await client.traces.session(workflow_source(str(file)), TraceParameters(users=1))
    except GreenroomError as error:
        if error.reason != "WORKFLOW_INVALID":
            raise
        for one in error.violations:
            place = one.field.removeprefix("workflow").removeprefix(".yaml").removeprefix(".")
            place = f"{place}: " if place else ""
            console(stderr=True).print(f"{file}: {place}{one.description}")
        return USAGE
    console().print(f"{file} is a workflow.", soft_wrap=True)
    return OK


def _print(workflow: TraceWorkflow, what: str, json: bool) -> None:
    if json:
        print_json(workflow)
    else:
        console().print(f"{workflow.name} is {what}; its digest is {workflow.digest[:12]}.", soft_wrap=True)
