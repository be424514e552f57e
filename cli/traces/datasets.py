"""greenroom traces generate, greenroom traces datasets"""

from enum import StrEnum
from typing import Annotated

import typer
from rich.text import Text

from cli.kit import specs
from cli.kit.bars import Bar, Following, follow, pace, size
from cli.kit.cancelling import when_over
from cli.kit.lists import All, Limit, print_list
from cli.kit.names import named
from cli.kit.render import Rows, console, facts, print_json, short, state_word, when
from cli.kit.run import FAILED, OK, Json, Yes, command, confirmed, noun
from cli.traces.options import Chain, Generation, generating, workflow_source
from greenroom.client import Client
from greenroom.testdata.v1.trace_dataset_pb2 import Dataset, DatasetPart, DatasetSpec, ListDatasetsRequest

app = noun("Generated calls in files.")

Name = Annotated[str, named("datasets")]


class Format(StrEnum):
    """The format of a dataset's files."""

    PARQUET = "parquet"
    JSONL = "jsonl"
    CSV = "csv"
    OTLP = "otlp"


@generating
async def generate(
    client: Client,
    workflow: Chain,
    wanted: Generation,
    format: Annotated[Format, typer.Option(help="The form of the files.")] = Format.PARQUET,  # noqa: A002
    to: Annotated[
        str, typer.Option(metavar="PLACE", help="A folder in the server's output, or s3://bucket/prefix.")
    ] = "",
    watch: Following = True,
    json: Json = False,
) -> int:
    """Start to write a dataset, and watch it. The server continues if the watch is interrupted.

    With --json it prints the dataset as it ended.
    """
    spec = DatasetSpec(
        workflow=workflow_source(workflow),
        parameters=wanted.parameters,
        sessions=wanted.range,
        format=DatasetSpec.Format.Value(f"FORMAT_{format.name}"),
        destination=to,
    )
    dataset = await client.traces.datasets.start(spec)
    return await _follow(client, dataset, json) if watch else _print(dataset, json)


@command(app, "list")
async def list_(
    client: Client,
    state: Annotated[str, typer.Option(help="Only in this state, such as running.")] = "",
    limit: Limit = None,
    every: All = False,
    json: Json = False,
) -> None:
    """List the datasets, newest first."""
    wanted = specs.filled({"state": state} if state else {}, ListDatasetsRequest(), "the options")
    columns = ("DATASET", "STATE", "WORKFLOW", "SESSIONS", "CALLS", "SIZE", "CREATED")
    rows = Rows(*columns, leave_out=["CREATED", "SIZE", "CALLS"])
    listing = client.traces.datasets.list(state=wanted.state)
    await print_list(listing, rows, _row, limit=limit, every=every, json=json)


def _row(dataset: Dataset) -> tuple[str | Text, ...]:
    sessions, calls = f"{dataset.sessions_done:,} of {dataset.session_count:,}", f"{dataset.call_count:,}"
    written, created = size(dataset.byte_count), when(dataset.create_time)
    return short(dataset.name), _state(dataset), _workflow(dataset), sessions, calls, written, created


@command(app, "show")
async def show(client: Client, name: Name, json: Json = False) -> None:
    """Show one dataset: its spec, location and progress."""
    _print(await client.traces.datasets.get(name), json)


@command(app, "watch")
async def watch_(client: Client, name: Name, json: Json = False) -> int:
    """Show a dataset's progress until it is over; with --json print its parts, one per line."""
    return await _follow(client, await client.traces.datasets.get(name), json, parts=True)


@command(app, "cancel")
async def cancel(client: Client, name: Name, json: Json = False) -> None:
    """Stop the writing; the parts that are written stay."""
    _print(await when_over(await client.traces.datasets.cancel(name), client.traces.datasets.get), json)


@command(app, "retry")
async def retry(client: Client, name: Name, watch: Following = True, json: Json = False) -> int:
    """Continue a failed dataset with its first missing part, and watch it."""
    dataset = await client.traces.datasets.retry(name)
    return await _follow(client, dataset, json) if watch else _print(dataset, json)


@command(app, "delete")
async def delete(client: Client, name: Name, yes: Yes = False) -> None:
    """Delete the record of a dataset that is over; its files stay."""
    confirmed(f"Forget {name}? Its files are left.", yes)
    await client.traces.datasets.delete(name)
    console().print(f"{name} is deleted; its files are left.")


async def _follow(client: Client, dataset: Dataset, json: bool, parts: bool = False) -> int:
    """Watch a dataset to its end and print it; with json print its parts instead."""
    bar, calls, byte_count = Bar(dataset.session_count, "sessions"), 0, 0
    before = dataset.parts_done

    def apply(part: DatasetPart) -> str:
        nonlocal calls, byte_count
        bar.done += part.session_count
        calls, byte_count = calls + part.call_count, byte_count + part.byte_count
        bar.words = f"{part.index + 1:,} of {dataset.part_count:,} files · {calls:,} calls · {size(byte_count)}"
        if not before:
            bar.words += f" · {pace(calls, bar.seconds)}"
        return f"{part.file}  {part.call_count:,} calls  {size(part.byte_count)}"

    ended = await follow(
        client.traces.datasets.watch(dataset.name), dataset.name, bar, apply, under="traces", json=json, each=parts
    )
    if not (json and parts):
        _print(ended, json)
    if ended.state == Dataset.STATE_FAILED:
        again = f"Go on when that is mended:\n  greenroom traces datasets retry {short(ended.name)}"
        console(stderr=True).print(again, soft_wrap=True)
    return OK if ended.state == Dataset.STATE_COMPLETED else FAILED


def _state(dataset: Dataset) -> Text:
    return state_word(Dataset.State.Name(dataset.state))


def _print(dataset: Dataset, json: bool) -> int:
    if json:
        print_json(dataset)
        return OK
    spec = dataset.spec
    sessions, calls = dataset.sessions_done, dataset.call_count
    a_call = f", {dataset.byte_count / calls:.1f} B a call" if calls else ""
    rows: list[tuple[str, str | Text]] = [
        ("dataset", dataset.name),
        ("state", _state(dataset)),
        ("why", f"{dataset.detail} ({dataset.reason})" if dataset.reason else ""),
        ("where", dataset.location),
        ("workflow", f"{_workflow(dataset)}, digest {dataset.workflow_digest[:12]}"),
        ("seed", f"{spec.parameters.seed}, algorithm {dataset.algorithm}"),
        ("files", f"{dataset.parts_done:,} of {dataset.part_count:,}, {_format(spec)}"),
        ("sessions", f"{sessions:,} of {dataset.session_count:,}"),
        ("calls", f"{calls:,}" if calls else ""),
        ("size", f"{size(dataset.byte_count)}{a_call}" if calls else ""),
        ("created", when(dataset.create_time)),
        ("over", when(dataset.end_time)),
    ]
    console().print(facts(*rows))
    return OK


def _workflow(dataset: Dataset) -> str:
    return dataset.spec.workflow.spec.name or dataset.spec.workflow.name


def _format(spec: DatasetSpec) -> str:
    return DatasetSpec.Format.Name(spec.format).removeprefix("FORMAT_").lower()
