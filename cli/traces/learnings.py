"""greenroom traces learn, greenroom traces learnings"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from cli.kit import specs
from cli.kit.bars import Bar, Following, follow, shown, size
from cli.kit.cancelling import when_over
from cli.kit.export import Chunk, write_file
from cli.kit.lists import All, Limit, print_list
from cli.kit.live import lost_in_lines
from cli.kit.names import named, naming
from cli.kit.render import Rows, console, facts, print_json, short, state_word, when
from cli.kit.run import FAILED, OK, USAGE, Failed, Json, Strict, Yes, command, confirmed, noun
from cli.traces.log_formats import Column, Kind, log_format
from greenroom.client import Client
from greenroom.testdata.v1.trace_learning_pb2 import (
    ExportLearningRequest,
    FaultDetection,
    LearnedWorkflow,
    Learning,
    LearningProgress,
    LearningSpec,
    ListLearningsRequest,
    OrderTest,
)

app = noun("Workflows learned from logs.")

Name = Annotated[str, named("learnings")]
Edges = Annotated[int, typer.Option("--edges", min=0, help="How many edges to show, the most seen first; 0: all.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="Write the learned workflow to this YAML file.")]
_MOST_BYTES = 256 * 1024 * 1024
"""The largest log that can be uploaded."""


async def learn(
    client: Client,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A log here, up to 256 MiB, compressed by gzip or not.")
    ] = None,
    dataset: Annotated[str, naming("datasets", "Instead of a file: a dataset of the server's.")] = "",
    path: Annotated[str, typer.Option(help="Instead of a file: a log in the server's input folders.")] = "",
    format: Annotated[  # noqa: A002
        Kind | None, typer.Option(help="What the log is; told by the file's name unless given.")
    ] = None,
    column: Column = None,
    gap: Annotated[
        float | None,
        typer.Option(min=0, help="Seconds without a request that end a session of an access log; 1,800 unless told."),
    ] = None,
    name: Annotated[str, typer.Option(help="What to call the learned workflow; learned unless told.")] = "",
    out: Out = None,
    edges: Edges = 30,
    watch: Following = True,
    strict: Strict = False,
    json: Json = False,
) -> int:
    """Learn a workflow from a log, and show it with intervals. Unreadable rows are counted and reported."""
    if (file is not None) + bool(dataset) + bool(path) != 1:
        raise Failed("Say what to learn from: a FILE, --dataset or --path, one of them.", USAGE)
    if file is not None:
        read_as = log_format(format, column, gap, file.name)
        if file.stat().st_size > _MOST_BYTES:
            raise Failed(f"{file} has more than 256 MiB; put it into an input folder of the server's and use --path.")
        async with shown(Bar(0, "calls", f"learns from {file.name}")):
            found = await client.traces.learnings.learn_file(file, read_as, workflow_name=name)
        return _learned(found.learning, found.yaml, out, edges, json, strict)
    spec = LearningSpec(dataset=dataset, workflow_name=name) if dataset else LearningSpec(path=path, workflow_name=name)
    if path:
        spec.format.CopyFrom(log_format(format, column, gap, path))
    learning = await client.traces.learnings.start(spec)
    if not watch:
        _print(learning, json)
        return OK
    return await _follow(client, learning, out, edges, json, strict)


@command(app, "list")
async def list_(
    client: Client,
    state: Annotated[str, typer.Option(help="Only in this state, such as running.")] = "",
    limit: Limit = None,
    every: All = False,
    json: Json = False,
) -> None:
    """List the learnings, newest first."""
    wanted = specs.filled({"state": state} if state else {}, ListLearningsRequest(), "the options")
    rows = Rows("LEARNING", "STATE", "FROM", "READ", "CREATED", leave_out=["CREATED", "READ"], prose=["FROM"])
    listing = client.traces.learnings.list(state=wanted.state)
    await print_list(listing, rows, _row, limit=limit, every=every, json=json)


def _row(learning: Learning) -> tuple[str | Text, ...]:
    read, created = size(learning.bytes_done), when(learning.create_time)
    origin = short(learning.spec.dataset) if learning.spec.dataset else _origin(learning)
    return short(learning.name), _state(learning), origin, read, created


@command(app, "show")
async def show(client: Client, name: Name, out: Out = None, edges: Edges = 30, json: Json = False) -> int:
    """Show one learning: what was learned, or its progress."""
    found = await client.traces.learnings.get(name)
    if found.learning.HasField("learned"):
        return _learned(found.learning, found.yaml, out, edges, json)
    _print(found.learning, json)
    return OK


@command(app, "watch")
async def watch_(client: Client, name: Name, edges: Edges = 30, json: Json = False) -> int:
    """Show a learning's progress until it is over, then what was learned."""
    return await _follow(client, (await client.traces.learnings.get(name)).learning, None, edges, json)


@command(app, "cancel")
async def cancel(client: Client, name: Name, json: Json = False) -> None:
    """Stop a learning."""

    async def get(name: str) -> Learning:
        return (await client.traces.learnings.get(name)).learning

    _print(await when_over(await client.traces.learnings.cancel(name), get), json)


@command(app, "retry")
async def retry(client: Client, name: Name, edges: Edges = 30, watch: Following = True, json: Json = False) -> int:
    """Read the log of a failed learning again, and watch it."""
    learning = await client.traces.learnings.retry(name)
    if not watch:
        _print(learning, json)
        return OK
    return await _follow(client, learning, None, edges, json)


@command(app, "delete")
async def delete(client: Client, name: Name, yes: Yes = False) -> None:
    """Delete a learning that is over, with its exports, for good."""
    confirmed(f"Delete {name} for good?", yes)
    await client.traces.learnings.delete(name)
    console().print(f"{name} is deleted.")


class Export(StrEnum):
    """The kinds of exports of a learning."""

    TRANSITIONS = "transitions"
    NGRAMS = "ngrams"
    SESSION_FEATURES = "session-features"


@command(app, "export")
async def export(
    client: Client,
    name: Name,
    kind: Annotated[Export, typer.Argument(help="The transition matrix, the n-gram counts, or a row a session.")],
    output: Annotated[Path, typer.Option("--out", "-o", help="The Parquet file.")],
) -> None:
    """Export data for machine learning, as Parquet. Repeat the command to continue an interrupted export."""
    number = ExportLearningRequest.Kind.Value(f"KIND_{kind.name}")

    async def chunks(cursor: str) -> AsyncGenerator[Chunk, None]:
        async with aclosing(client.traces.learnings.export(name, number, cursor=cursor)) as messages:
            async for message in messages:
                yield Chunk(message.chunk, message.cursor, len(message.chunk))

    async with lost_in_lines(client):
        written = await write_file(output, f"{name} {kind}", chunks)
    console(stderr=True).print(f"{size(written)} are in {output}.", soft_wrap=True)


async def _follow(
    client: Client, learning: Learning, out: Path | None, edges: int, json: bool, strict: bool = False
) -> int:
    bar = Bar(learning.byte_count, "bytes")

    def apply(progress: LearningProgress) -> str:
        bar.done, bar.words = progress.bytes_done, f"{progress.call_count:,} calls"
        return f"{size(progress.bytes_done)} read, {progress.call_count:,} calls" if progress.bytes_done else ""

    await follow(client.traces.learnings.watch(learning.name), learning.name, bar, apply, under="traces", json=json)
    found = await client.traces.learnings.get(learning.name)
    if found.learning.state == Learning.STATE_COMPLETED:
        return _learned(found.learning, found.yaml, out, edges, json, strict)
    _print(found.learning, json)
    return FAILED


def _learned(learning: Learning, yaml: str, out: Path | None, edges: int, json: bool, strict: bool = False) -> int:
    """Show what was learned, and write it to out; return 1 if strict and rows were skipped or corrected."""
    if out is not None:
        out.write_text(yaml)
    status = FAILED if strict and learning.learned.skipped else OK
    for skipped in learning.learned.skipped:
        one, many = ("row", "rows") if skipped.first_row else ("entry", "entries")
        first = f", the first {skipped.first_row:,}" if skipped.first_row else ""
        said = f"{skipped.count:,} {one if skipped.count == 1 else many}{first}: {skipped.description}"
        console(stderr=True).print(f"{said} ({skipped.reason})")
    if json:
        print_json(learning)
        return status
    learned = learning.learned
    told: list[tuple[str, str | Text]] = [
        ("learning", learning.name),
        ("from", _origin(learning)),
        ("workflow", learned.spec.name),
        ("sessions", f"{learned.session_count:,}"),
        ("calls", f"{learned.call_count:,}"),
        ("endpoints", f"{len(learned.endpoints):,}"),
        ("order 1", _order(learned.order_test)),
        ("faults", _detection(learned.fault_detection) if learned.HasField("fault_detection") else ""),
    ]
    console().print(facts(*told))
    _print_edges(learned, edges)
    if out is not None:
        console(stderr=True).print(f"The workflow is in {out}.", soft_wrap=True)
    return status


def _print_edges(learned: LearnedWorkflow, limit: int) -> None:
    rows = Rows("FROM", "TO", "SEEN", "PROBABILITY", "95 %", leave_out=["95 %", "SEEN"])
    edges = sorted(learned.edges, key=lambda edge: -edge.count)
    for edge in edges[: limit or None]:
        between = f"{edge.low:.4f} to {edge.high:.4f}"
        start, share = getattr(edge, "from") or "entry", f"{edge.probability:.4f}"
        rows.add(start, edge.to or "exit", f"{edge.count:,}", share, between)
    console().print()
    console().print(rows)
    if limit and len(edges) > limit:
        console().print(f"and {len(edges) - limit:,} edges more; --edges 0 shows all.")


def _order(test: OrderTest) -> str:
    enough = "is enough" if test.order_1_is_enough else "is not enough: what came before matters too"
    return f"{enough} (p = {test.p_value:.2g}, BIC of order 2 {test.bic_difference:+,.0f})"


def _detection(found: FaultDetection) -> str:
    scores = f"precision {found.precision:.2f} and recall {found.recall:.2f}"
    return f"{found.faults:,}, told with {scores} by: {found.detector}"


def _origin(learning: Learning) -> str:
    return learning.spec.dataset or learning.spec.path or "a file that came with the call"


def _state(learning: Learning) -> Text:
    return state_word(Learning.State.Name(learning.state))


def _print(learning: Learning, json: bool) -> None:
    if json:
        print_json(learning)
        return
    rows: list[tuple[str, str | Text]] = [
        ("learning", learning.name),
        ("state", _state(learning)),
        ("why", f"{learning.detail} ({learning.reason})" if learning.reason else ""),
        ("from", _origin(learning)),
        ("read", f"{size(learning.bytes_done)} of {size(learning.byte_count)}"),
        ("created", when(learning.create_time)),
        ("over", when(learning.end_time)),
    ]
    console().print(facts(*rows))
