"""greenroom batches"""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from cli.kit import specs
from cli.kit.agents import (
    OfAgentPullRequest,
    OfPersonaAgentPullRequest,
    Previews,
    Targets,
    preview_facts,
)
from cli.kit.cancelling import when_over
from cli.kit.export import After, Output, export
from cli.kit.lists import All, Limit, Revision, print_list
from cli.kit.live import lost_in_lines
from cli.kit.models import Models, print_estimate, usage_facts
from cli.kit.names import named, naming, resolve, resolve_spec
from cli.kit.progress import Progress, elapsed, follow, print_summary, status
from cli.kit.recording import Recording
from cli.kit.render import (
    Rows,
    because,
    console,
    facts,
    fault,
    flags,
    print_json,
    repeats,
    say_it_goes_on,
    short,
    state,
    state_word,
    when,
)
from cli.kit.run import OK, USAGE, ExternalIdPrefix, ExternalIds, Failed, Json, Labels, Yes, command, confirmed, noun
from cli.kit.waiting import waiting_for
from greenroom.client import Client, Watch
from greenroom.synthesizer.v1.batch_pb2 import (
    Batch,
    BatchResult,
    BatchSpec,
    ListBatchesRequest,
    ListBatchResultsRequest,
)
from greenroom.synthesizer.v1.conversation_pb2 import Conversation
from greenroom.type.v1.event_pb2 import Event

app = noun("Many conversations at a time.")

Name = Annotated[str, named("batches")]
Watching = Annotated[
    bool, typer.Option("--watch/--no-watch", help="Show progress until all is over, or return at once.")
]

_MOST_MONEY = 1_000_000_000


@command(app, "start")
async def start(
    client: Client,
    file: Annotated[Path, typer.Argument(metavar="SPEC.yaml", help="YAML with the fields of BatchSpec, or -.")],
    targets: Targets,
    previews: Previews,
    models: Models,
    recording: Recording,
    size: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="How many, instead of what the file says.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The seed, instead of what the file says.")] = None,
    max_in_flight: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="How many run at once, instead of what the file says.")
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option("--label", "-l", help="A label for the batch, besides the file's; repeatable.")
    ] = None,
    budget_tokens: Annotated[
        int | None, typer.Option(min=1, max=10**15, help="The most tokens that its models may spend.")
    ] = None,
    budget_money: Annotated[
        float | None, typer.Option(help="The most money that its models may spend, in the currency of the price file.")
    ] = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Say what the models would cost, and start nothing.")
    ] = False,
    watch: Watching = True,
    json: Json = False,
) -> int:
    """Start a batch from a YAML file and watch it. Options win over the file; - reads standard input.

    Interrupting the watch leaves the batch running.
    """
    spec = specs.read(file, BatchSpec())
    specs.override(spec, size=size, max_in_flight=max_in_flight)
    specs.override(spec.conversation, seed=seed)
    for options in (targets, previews, models, recording):
        options.set(spec.conversation)
    if budget_tokens is not None:
        spec.budget.tokens = budget_tokens
    if budget_money is not None:
        if not 0 < budget_money < _MOST_MONEY:
            raise Failed("--budget-money is an amount of money above 0.", USAGE)
        spec.budget.nanos = round(budget_money * 1e9)
    spec.labels.extend(label or ())
    await resolve_spec(client, spec.conversation)
    for share in spec.personas:
        share.persona = await resolve("personas", share.persona, client)
    if estimate:
        print_estimate(await client.batches.estimate(spec), json)
        return OK
    if not watch:
        _print(await client.batches.start(spec), json)
        return OK
    # Create without starting, so that the watch sees the first turn.
    return await start_and_follow(client, await client.batches.start(spec, create_only=True), json)


async def start_and_follow(client: Client, batch: Batch, json: bool = False) -> int:
    """Watch a created batch from its first event on."""
    async with client.batches.watch(batch.name) as watch:
        await client.batches.run(batch.name)
        return await _follow(client, watch, Progress(batch), json, timed=True)


@command(app, "run")
async def run(client: Client, name: Name, json: Json = False) -> None:
    """Start a batch that was created without being started."""
    _print(await client.batches.run(name), json)


@command(app, "watch")
async def watch_(client: Client, name: Name, json: Json = False) -> int:
    """Show a batch's progress until it is over; with --json, print its events from the first, one per line."""
    batch = await client.batches.get(name)
    async with client.batches.watch(name) as watch:
        return await _follow(client, watch, Progress(batch), json)


@command(app, "list")
async def list_(
    client: Client,
    state_: Annotated[str, typer.Option("--state", help="Only in this state, such as running.")] = "",
    external_id: ExternalIds = None,
    external_id_prefix: ExternalIdPrefix = "",
    label: Labels = None,
    procedure: Annotated[str, naming("procedures", "Only with a conversation of this procedure.")] = "",
    revision: Revision = None,
    agent_pull_request: OfAgentPullRequest = None,
    persona_agent_pull_request: OfPersonaAgentPullRequest = None,
    limit: Limit = None,
    every: All = False,
    json: Json = False,
) -> None:
    """List the batches, newest first."""
    given = {"state": state_} if state_ else {}
    wanted = specs.filled(given, ListBatchesRequest(), "the options")
    columns = ("BATCH", "STATE", "DONE", "CREATED", "CREATOR", "LABELS")
    rows = Rows(*columns, leave_out=["CREATED", "CREATOR", "LABELS"])
    found = client.batches.list(
        state=wanted.state,
        external_ids=external_id or (),
        external_id_prefix=external_id_prefix,
        labels=label or (),
        procedure=procedure,
        revision=revision or 0,
        agent_pull_request=agent_pull_request or 0,
        persona_agent_pull_request=persona_agent_pull_request or 0,
    )
    await print_list(found, rows, _row, limit=limit, every=every, json=json)


def _row(batch: Batch) -> tuple[str | Text, ...]:
    done, labels = f"{batch.counts.completed}/{batch.spec.size}", " ".join(batch.spec.labels)
    return short(batch.name), state(batch), done, when(batch.create_time), batch.creator, labels


@command(app, "show")
async def show(client: Client, name: Name, json: Json = False) -> None:
    """Show one batch with its counts by state."""
    _print(await client.batches.get(name), json)


@command(app, "results")
async def results(
    client: Client,
    name: Name,
    state_: Annotated[str, typer.Option("--state", help="Only conversations in this state, such as failed.")] = "",
    limit: Annotated[int | None, typer.Option(min=1, help="Show this many at most.")] = None,
    json: Json = False,
) -> None:
    """List the results of a batch's conversations."""
    wanted = specs.filled({"state": state_} if state_ else {}, ListBatchResultsRequest(), "the options")
    columns = ("CONVERSATION", "#", "STATE", "TURNS", "REPEATS", "FLAGS", "WHY", "PERSONA")
    rows = Rows(*columns, leave_out=["PERSONA", "#", "REPEATS", "FLAGS"])
    found = client.batches.results(name, state=wanted.state)
    await print_list(found, rows, _result_row, limit=limit, every=True, json=json)


def _result_row(result: BatchResult) -> tuple[str | Text, ...]:
    return (
        short(result.conversation),
        str(result.index),
        state_word(Conversation.State.Name(result.state)),
        f"{result.turns}/{result.max_turns}",
        str(result.repeated_agent_messages or ""),
        str(result.persona_flags or ""),
        result.reason + (f" ({fault(result.fault)})" if result.fault else ""),
        short(result.persona),
    )


@command(app, "export")
async def export_(client: Client, name: Name, output: Output = None, cursor: After = "") -> None:
    """Export the transcripts as JSONL. Repeat an interrupted export to a file to continue it."""
    await export(client, name, output, cursor, lambda after: client.batches.export(name, cursor=after))


@command(app, "cancel")
async def cancel(client: Client, name: Name, json: Json = False) -> None:
    """Cancel every conversation of a batch that is not over."""
    _print(await when_over(await client.batches.cancel(name), client.batches.get), json)


@command(app, "retry")
async def retry(client: Client, name: Name, watch: Watching = True, json: Json = False) -> int:
    """Resume every failed conversation of a batch at the step that failed, and watch it."""
    earlier = await client.batches.get(name)
    if earlier.state == Batch.STATE_COMPLETED and not earlier.counts.failed:
        if json:
            print_json(earlier)
        else:
            console().print(f"No conversation of {name} failed, so there is nothing to retry.")
        return OK
    progress, cursor = Progress(earlier), ""
    if watch and earlier.state == Batch.STATE_COMPLETED:
        # Events before the retry are counted but not shown again.
        async with client.batches.watch(name) as events:
            async for event in events:
                progress.apply(event)
        cursor = events.cursor
    batch = await client.batches.retry(name)
    progress.retry()
    if not watch:
        _print(batch, json)
        return OK
    async with client.batches.watch(name, cursor=cursor) as events:
        return await _follow(client, events, progress, json)


@command(app, "delete")
async def delete(client: Client, name: Name, yes: Yes = False) -> None:
    """Delete a batch that is over, with its conversations and their events."""
    confirmed(f"Delete {name} with its conversations for good?", yes)
    await client.batches.delete(name)
    console().print(f"{name} is deleted.")


async def _follow(
    client: Client, watch: Watch[Event, Batch], progress: Progress, json: bool, *, timed: bool = False
) -> int:
    """Watch a batch to its end. timed: print how long it took, if the watch began with the batch."""
    try:
        if json:
            async with lost_in_lines(watch):
                async for event in watch:
                    print_json(event)
            assert watch.summary is not None
            ended = watch.summary
        else:
            ended = await follow(client, watch, progress)
    except BaseException:
        say_it_goes_on(progress.name)
        raise
    if not json:
        await print_summary(client, ended, elapsed(ended) if timed else None)
    return status(ended)


def _print(batch: Batch, json: bool) -> None:
    if json:
        print_json(batch)
        return
    counts = ", ".join(f"{count} {field.name}" for field, count in batch.counts.ListFields())
    rows: list[tuple[str, str | Text]] = [
        ("name", batch.name),
        ("state", state(batch)),
        ("because", because(batch)),
        ("waits", Text(waiting_for(batch), "yellow")),
        ("conversations", f"{batch.spec.size}: {counts}"),
        ("at once", f"{batch.spec.max_in_flight} at most" if batch.spec.max_in_flight else ""),
        ("turns", str(batch.turns)),
        ("repeats", repeats(batch)),
        ("flags", flags(batch)),
        *usage_facts(batch.usage),
        *preview_facts(batch.spec.conversation),
        ("external id", batch.spec.external_id),
        ("labels", " ".join(batch.spec.labels)),
        ("creator", batch.creator),
        ("created", when(batch.create_time)),
        ("over", when(batch.end_time)),
    ]
    console().print(facts(*rows))
