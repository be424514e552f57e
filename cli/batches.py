"""greenroom batches"""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from cli import specs
from cli.commands import FAILED, OK, Json, Limit, Yes, command, confirmed, first, named, noun
from cli.export import export_file, export_stdout
from cli.progress import Progress, elapsed, follow, print_summary
from cli.render import Rows, console, facts, fault, print_json, say_it_goes_on, short, state, state_word, when
from greenroom.client import Client, Watch
from greenroom.synthesizer.v1.batch_pb2 import Batch, BatchSpec, ListBatchesRequest, ListBatchResultsRequest
from greenroom.synthesizer.v1.conversation_pb2 import Conversation
from greenroom.type.v1.event_pb2 import Event

app = noun("Many conversations at a time.")

Name = Annotated[str, named("batches")]
Watching = Annotated[
    bool, typer.Option("--watch/--no-watch", help="Show progress until all is over, or return at once.")
]


@command(app, "start")
async def start(
    client: Client,
    file: Annotated[Path, typer.Argument(metavar="SPEC.yaml", help="YAML with the fields of BatchSpec.")],
    size: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="How many, instead of what the file says.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The seed, instead of what the file says.")] = None,
    watch: Watching = True,
    json: Json = False,
) -> int:
    """Start a batch from a YAML file and watch it. Interrupting the watch leaves the batch running."""
    spec = specs.read(file, BatchSpec())
    if size is not None:
        spec.size = size
    if seed is not None:
        spec.conversation.seed = seed
    if not watch:
        _print(await client.batches.start(spec), json)
        return OK
    # Created only, so that the watch is attached before the first turn.
    return await start_and_follow(client, await client.batches.start(spec, create_only=True), json)


async def start_and_follow(client: Client, batch: Batch, json: bool = False) -> int:
    """Watch a created batch from its first event on."""
    async with client.batches.watch(batch.name) as watch:
        await client.batches.run(batch.name)
        return await _follow(client, watch, Progress(batch), json, timed=True)


@command(app, "run")
async def run(client: Client, name: Name, json: Json = False) -> None:
    """Let a batch run that was created only."""
    _print(await client.batches.run(name), json)


@command(app, "watch")
async def watch_(client: Client, name: Name, json: Json = False) -> int:
    """Show a batch's progress until it is over; with --json, its events from the first, one a line."""
    batch = await client.batches.get(name)
    async with client.batches.watch(name) as watch:
        return await _follow(client, watch, Progress(batch), json)


@command(app, "list")
async def list_(
    client: Client,
    state_: Annotated[str, typer.Option("--state", help="Only in this state, such as running.")] = "",
    external_id: Annotated[str, typer.Option(help="Only the one with this id of yours.")] = "",
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """List the batches, oldest first."""
    given = {"state": state_} if state_ else {}
    wanted = specs.filled(given, ListBatchesRequest(), "the options")
    rows = Rows("BATCH", "STATE", "DONE", "FAILED", "CREATED", shorten=["CREATED"])
    async for one in first(client.batches.list(state=wanted.state, external_id=external_id), limit):
        if json:
            print_json(one)
        counts = one.counts
        rows.add(
            short(one.name),
            state(one),
            f"{counts.completed}/{one.spec.size}",
            str(counts.failed or ""),
            when(one.create_time),
        )
    if not json:
        console().print(rows)


@command(app, "show")
async def show(client: Client, name: Name, json: Json = False) -> None:
    """Show one batch with its counts by state."""
    _print(await client.batches.get(name), json)


@command(app, "results")
async def results(
    client: Client,
    name: Name,
    state_: Annotated[str, typer.Option("--state", help="Only conversations in this state, such as failed.")] = "",
    limit: Limit = 0,
    json: Json = False,
) -> None:
    """List what each conversation of a batch came to."""
    wanted = specs.filled({"state": state_} if state_ else {}, ListBatchResultsRequest(), "the options")
    rows = Rows("CONVERSATION", "#", "STATE", "TURNS", "WHY", "PERSONA", shorten=["WHY", "PERSONA"])
    async for one in first(client.batches.results(name, state=wanted.state), limit):
        if json:
            print_json(one)
        rows.add(
            short(one.conversation),
            str(one.index),
            state_word(Conversation.State.Name(one.state)),
            f"{one.turns}/{one.max_turns}",
            one.reason + (f" ({fault(one.fault)})" if one.fault else ""),
            short(one.persona),
        )
    if not json:
        console().print(rows)


@command(app, "export")
async def export(
    client: Client,
    name: Name,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The file; none: standard output.")] = None,
    cursor: Annotated[str, typer.Option(help="Where to go on, when printing to standard output.")] = "",
) -> None:
    """Export the transcripts as JSONL. An export to a file that was interrupted goes on when repeated."""
    if output is None:
        await export_stdout(client, name, cursor)
    else:
        lines = await export_file(client, name, output)
        console(stderr=True).print(f"{lines} transcripts are in {output}.", soft_wrap=True)


@command(app, "cancel")
async def cancel(client: Client, name: Name, json: Json = False) -> None:
    """Cancel every conversation of a batch that is not over."""
    _print(await client.batches.cancel(name), json)


@command(app, "retry")
async def retry(client: Client, name: Name, watch: Watching = True, json: Json = False) -> int:
    """Resume every failed conversation of a batch at the step that failed, and watch it."""
    earlier = await client.batches.get(name)
    progress, cursor = Progress(earlier), ""
    if watch and earlier.state == Batch.STATE_COMPLETED:
        # What was before the retry counts as before, but is not told again.
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
    """Delete a batch that is over, with its conversations and their events, for good."""
    confirmed(f"Delete {name} with its conversations for good?", yes)
    await client.batches.delete(name)
    console().print(f"{name} is deleted.")


async def _follow(
    client: Client, watch: Watch[Event, Batch], progress: Progress, json: bool, *, timed: bool = False
) -> int:
    """Watch a batch to its end. timed: whether it began with the watch, so that how long it took tells something."""
    try:
        if json:
            async for event in watch:
                print_json(event)
            assert watch.summary is not None
            ended = watch.summary
        else:
            ended = await follow(watch, progress)
    except BaseException:
        say_it_goes_on(progress.name)
        raise
    if not json:
        await print_summary(client, ended, elapsed(ended) if timed else None)
    return OK if ended.state == Batch.STATE_COMPLETED and not ended.counts.failed else FAILED


def _print(batch: Batch, json: bool) -> None:
    if json:
        print_json(batch)
        return
    counts = ", ".join(f"{count} {field.name}" for field, count in batch.counts.ListFields())
    rows: list[tuple[str, str | Text]] = [
        ("name", batch.name),
        ("state", state(batch)),
        ("conversations", f"{batch.spec.size}: {counts}"),
        ("turns", str(batch.turns)),
        ("model calls", str(batch.usage.model_calls)),
        ("external id", batch.spec.external_id),
        ("created", when(batch.create_time)),
        ("over", when(batch.end_time)),
    ]
    console().print(facts(*rows))
