"""greenroom records datasets"""

from typing import Annotated

import typer
from rich.text import Text

from cli.kit import specs
from cli.kit.bars import Bar, Following, follow, size
from cli.kit.cancelling import when_over
from cli.kit.lists import All, Limit, print_list
from cli.kit.names import named
from cli.kit.render import Rows, console, facts, print_json, short, state_word, when
from cli.kit.run import FAILED, OK, Json, Yes, command, confirmed, noun
from greenroom.client import Client
from greenroom.testdata.v1.record_dataset_pb2 import ListRecordDatasetsRequest, RecordDataset, RecordDatasetPart
from greenroom.testdata.v1.record_pb2 import RecordFormat, RecordSpec

app = noun("Generated records in files.")

Name = Annotated[str, named("record_datasets")]


@command(app, "list")
async def list_(
    client: Client,
    state: Annotated[str, typer.Option(help="Only in this state, such as running.")] = "",
    limit: Limit = None,
    every: All = False,
    json: Json = False,
) -> None:
    """List the datasets of records, newest first."""
    wanted = specs.filled({"state": state} if state else {}, ListRecordDatasetsRequest(), "the options")
    rows = Rows("DATASET", "STATE", "MADE FROM", "RECORDS", "SIZE", "CREATED", leave_out=["CREATED", "SIZE"])
    listing = client.record_datasets.list(state=wanted.state)
    await print_list(listing, rows, _row, limit=limit, every=every, json=json)


def _row(dataset: RecordDataset) -> tuple[str | Text, ...]:
    records = f"{dataset.records_done:,} of {dataset.record_count:,}"
    written, created = size(dataset.byte_count), when(dataset.create_time)
    return short(dataset.name), _state(dataset), _source(dataset.spec.records), records, written, created


@command(app, "show")
async def show(client: Client, name: Name, json: Json = False) -> None:
    """Show one dataset: what it is made from, its location and progress."""
    print_dataset(await client.record_datasets.get(name), json)


@command(app, "watch")
async def watch_(client: Client, name: Name, json: Json = False) -> int:
    """Show a dataset's progress until it is over; with --json print its parts, one per line."""
    return await followed(client, await client.record_datasets.get(name), json, parts=True)


@command(app, "cancel")
async def cancel(client: Client, name: Name, json: Json = False) -> None:
    """Stop the writing; the parts that are written stay."""
    print_dataset(await when_over(await client.record_datasets.cancel(name), client.record_datasets.get), json)


@command(app, "retry")
async def retry(client: Client, name: Name, watch: Following = True, json: Json = False) -> int:
    """Continue a failed dataset with its first missing part, and watch it."""
    dataset = await client.record_datasets.retry(name)
    return await followed(client, dataset, json) if watch else print_dataset(dataset, json)


@command(app, "delete")
async def delete(client: Client, name: Name, yes: Yes = False) -> None:
    """Delete the record of a dataset that is over; its files stay."""
    confirmed(f"Forget {name}? Its files are left.", yes)
    await client.record_datasets.delete(name)
    console().print(f"{name} is deleted; its files are left.")


async def followed(client: Client, dataset: RecordDataset, json: bool, parts: bool = False) -> int:
    """Watch a dataset to its end and print it; with json print its parts instead. Returns the exit status."""
    bar, byte_count = Bar(dataset.record_count, "records"), 0

    def apply(part: RecordDatasetPart) -> str:
        nonlocal byte_count
        records, written = (sum(getattr(one, of) for one in part.files) for of in ("record_count", "byte_count"))
        bar.done += records
        byte_count += written
        bar.words = f"{part.index + 1:,} of {dataset.part_count:,} parts · {size(byte_count)}"
        return f"part {part.index + 1:,} of {dataset.part_count:,}  {records:,} records  {size(written)}"

    ended = await follow(
        client.record_datasets.watch(dataset.name), dataset.name, bar, apply, under="records", json=json, each=parts
    )
    if not (json and parts):
        print_dataset(ended, json)
    if ended.state == RecordDataset.STATE_FAILED:
        again = f"Go on when that is mended:\n  greenroom records datasets retry {short(ended.name)}"
        console(stderr=True).print(again, soft_wrap=True)
    return OK if ended.state == RecordDataset.STATE_COMPLETED else FAILED


def print_dataset(dataset: RecordDataset, json: bool) -> int:
    """Print a dataset."""
    if json:
        print_json(dataset)
        return OK
    records, rules = dataset.spec.records, len(dataset.checks)
    violated = [f"{one.rule} ({one.violated:,})" for one in dataset.checks if one.violated]
    format_ = RecordFormat.Name(dataset.spec.format).removeprefix("RECORD_FORMAT_").lower()
    rows: list[tuple[str, str | Text]] = [
        ("dataset", dataset.name),
        ("state", _state(dataset)),
        ("why", f"{dataset.detail} ({dataset.reason})" if dataset.reason else ""),
        ("where", dataset.location),
        ("made from", f"{_source(records)}, digest {dataset.pack_digest[:12]}"),
        ("entities", ", ".join(f"{one.count:,} {one.entity}" for one in records.entities)),
        ("seed", str(records.seed)),
        ("parts", f"{dataset.parts_done:,} of {dataset.part_count:,}, {format_}"),
        ("records", f"{dataset.records_done:,} of {dataset.record_count:,}"),
        ("size", size(dataset.byte_count) if dataset.byte_count else ""),
        ("rules", f"{rules - len(violated)} of {rules} hold" if rules else ""),
        ("violated", ", ".join(violated)),
        ("created", when(dataset.create_time)),
        ("over", when(dataset.end_time)),
    ]
    console().print(facts(*rows))
    return OK


def _state(dataset: RecordDataset) -> Text:
    return state_word(RecordDataset.State.Name(dataset.state))


def _source(records: RecordSpec) -> str:
    return records.source.schema or records.source.domain or "a pack"
