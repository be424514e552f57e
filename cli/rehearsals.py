"""greenroom rehearsals"""

from typing import Annotated

import typer
from rich.text import Text

from cli.kit import specs
from cli.kit.cancelling import when_over
from cli.kit.lists import All, Limit, print_list
from cli.kit.names import named
from cli.kit.rehearsing import ItemRow, RehearsalProgress, follow, print_verdict, status_of
from cli.kit.render import Rows, console, facts, print_json, say_it_goes_on, short, state_word, when
from cli.kit.run import OK, Json, Yes, command, confirmed, noun
from greenroom.client import Client
from greenroom.evaluator.v1.report_pb2 import Report
from greenroom.gateway.v1.rehearsal_pb2 import ListRehearsalsRequest, Rehearsal

app = noun("Conversations, their evaluation and a verdict, from one spec; `greenroom rehearse` starts one.")

Name = Annotated[str, named("rehearsals")]
Watching = Annotated[
    bool, typer.Option("--watch/--no-watch", help="Show progress until all is over, or return at once.")
]


@command(app, "list")
async def list_(
    client: Client,
    state_: Annotated[str, typer.Option("--state", help="Only in this state, such as running.")] = "",
    limit: Limit = None,
    every: All = False,
    json: Json = False,
) -> None:
    """List the rehearsals, newest first."""
    wanted = specs.filled({"state": state_} if state_ else {}, ListRehearsalsRequest(), "the options")
    rows = Rows("REHEARSAL", "STATE", "PHASE", "SIDES", "CREATED", "CREATOR", leave_out=["CREATED", "CREATOR"])
    found = client.rehearsals.list(state=wanted.state)
    await print_list(found, rows, _row, limit=limit, every=every, json=json)


def _row(rehearsal: Rehearsal) -> tuple[str | Text, ...]:
    return (
        short(rehearsal.name),
        state_word(Rehearsal.State.Name(rehearsal.state)),
        _phase(rehearsal),
        " / ".join(side.label for side in rehearsal.sides),
        when(rehearsal.create_time),
        rehearsal.creator,
    )


@command(app, "show")
async def show(client: Client, name: Name, json: Json = False) -> None:
    """Show one rehearsal with its counts, and its verdict once there is one."""
    _print(await client.rehearsals.get(name), json)


@command(app, "watch")
async def watch_(client: Client, name: Name, json: Json = False) -> int:
    """Show a rehearsal's progress until there is a verdict; with --json, print its items as they get further."""
    rehearsal = await client.rehearsals.get(name)
    async with client.rehearsals.watch(name) as watch:
        if not json:
            ended = await follow(watch, RehearsalProgress(rehearsal))
            print_verdict(ended)
            return status_of(ended)
        try:
            async for item in watch:
                print_json(item)
        except BaseException:
            say_it_goes_on(name)
            raise
    assert watch.summary is not None
    return status_of(watch.summary)


@command(app, "items")
async def items(
    client: Client,
    name: Name,
    limit: Annotated[int | None, typer.Option(min=1, help="Show this many at most.")] = None,
    json: Json = False,
) -> None:
    """List the conversations of a rehearsal with their results."""
    columns = ("CONVERSATION", "SIDE", "#", "STATE", "TURNS", "OUTCOME", "QUALITY", "FLAGS", "WHY")
    rows = Rows(*columns, leave_out=["#", "TURNS", "FLAGS", "STATE"])
    found = client.rehearsals.items(name)
    await print_list(found, rows, lambda item: ItemRow(item).cells(), limit=limit, every=True, json=json)


@command(app, "cancel")
async def cancel(client: Client, name: Name, json: Json = False) -> None:
    """Cancel a rehearsal with its batches, evaluations and judgements."""
    _print(await when_over(await client.rehearsals.cancel(name), client.rehearsals.get), json)


@command(app, "retry")
async def retry(client: Client, name: Name, watch: Watching = True, json: Json = False) -> int:
    """Continue a failed rehearsal, or resume the failed conversations of a completed one, and watch it."""
    rehearsal = await client.rehearsals.retry(name)
    if not watch or rehearsal.state == Rehearsal.STATE_COMPLETED:
        _print(await client.rehearsals.get(name), json)
        return OK
    return await watch_(client, name, json) or OK


@command(app, "delete")
async def delete(client: Client, name: Name, yes: Yes = False) -> None:
    """Delete a rehearsal that is over, with its report, evaluations, judgements and batches."""
    confirmed(f"Delete {name} with its conversations, results and report for good?", yes)
    await client.rehearsals.delete(name)
    console().print(f"{name} is deleted.")


def _phase(rehearsal: Rehearsal) -> str:
    return Rehearsal.Phase.Name(rehearsal.phase).removeprefix("PHASE_").lower()


def _print(rehearsal: Rehearsal, json: bool) -> None:
    if json:
        print_json(rehearsal)
        return
    verdict = Report.Verdict.Name(rehearsal.result.verdict).removeprefix("VERDICT_").lower().replace("_", " ")
    rows: list[tuple[str, str | Text]] = [
        ("name", rehearsal.name),
        ("state", state_word(Rehearsal.State.Name(rehearsal.state))),
        ("phase", _phase(rehearsal)),
        ("verdict", verdict if rehearsal.report else ""),
        ("because", Text(f"{rehearsal.reason}: {rehearsal.detail}" if rehearsal.reason else "", "yellow")),
    ]
    if rehearsal.spec.HasField("until_sure"):
        rows.append(("until sure", f"{rehearsal.pairs} of up to {rehearsal.spec.until_sure.most_pairs} pairs started"))
    for side in rehearsal.sides:
        counts = [f"{count} {field.name}" for field, count in side.conversations.ListFields()]
        counts += [f"{count} {field.name}" for field, count in side.results.ListFields() if field.name != "reused"]
        counts += [f"quality {side.quality:.0f}"] if side.HasField("quality") else []
        known = [side.batch, side.evaluation, side.judgement, ", ".join(counts)]
        rows.append((side.label, " ".join(filter(None, known))))
    rows += [
        ("report", rehearsal.report),
        ("external id", rehearsal.spec.external_id),
        ("creator", rehearsal.creator),
        ("created", when(rehearsal.create_time)),
        ("over", when(rehearsal.end_time)),
    ]
    console().print(facts(*rows))
    if rehearsal.report:
        print_verdict(rehearsal)
