"""greenroom records"""

import json as jsons
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, aclosing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Annotated

import typer
from google.protobuf.json_format import MessageToDict

from cli import record_datasets
from cli.kit.bars import Following
from cli.kit.edges import Edges
from cli.kit.export import write_out
from cli.kit.imports import File
from cli.kit.lists import All, Limit, print_list
from cli.kit.names import full_name, named
from cli.kit.quality import quality_words
from cli.kit.render import Rows, console, facts, print_json, when
from cli.kit.run import USAGE, Failed, Json, Yes, command, confirmed, noun
from cli.kit.samples import read_samples
from cli.kit.shares import share
from cli.record_datasets import followed, print_dataset
from greenroom.client import Client
from greenroom.testdata.v1.record_dataset_pb2 import RecordDatasetSpec
from greenroom.testdata.v1.record_pb2 import (
    RECORD_FORMAT_ARROW_IPC,
    RECORD_FORMAT_CSV,
    RECORD_FORMAT_JSON,
    RECORD_FORMAT_JSONL,
    RECORD_FORMAT_PARQUET,
    RECORD_FORMAT_ROWS,
    RECORD_FORMAT_SQL,
    EntityCount,
    EntitySamples,
    RecordScenario,
    RecordSpec,
    RuleCheck,
    Schema,
    SchemaSource,
)
from greenroom.testdata.v1.record_quality_pb2 import EntityQuality
from greenroom.type.v1.domain_pb2 import BusinessRule

app = noun("Records that obey the rules of a domain, and the schemas that they are made from.")

app.add_typer(record_datasets.app, name="datasets")

Name = Annotated[str, named("schemas")]
Source = Annotated[
    str, typer.Argument(metavar="SOURCE", help="A domain (domains/…), a schema (schemas/…), or the YAML of a pack.")
]
Entities = Annotated[
    list[str], typer.Argument(metavar="ENTITY=COUNT…", help="Entities and how many records of each, as order=100.")
]


class Format(StrEnum):
    """The format of records."""

    JSONL = "jsonl"
    JSON = "json"
    CSV = "csv"
    SQL = "sql"
    PARQUET = "parquet"
    ARROW = "arrow"
    ROWS = "rows"


_FORMATS = {
    Format.JSONL: RECORD_FORMAT_JSONL,
    Format.JSON: RECORD_FORMAT_JSON,
    Format.CSV: RECORD_FORMAT_CSV,
    Format.SQL: RECORD_FORMAT_SQL,
    Format.PARQUET: RECORD_FORMAT_PARQUET,
    Format.ARROW: RECORD_FORMAT_ARROW_IPC,
    Format.ROWS: RECORD_FORMAT_ROWS,
}
_MIXED = (Format.JSONL, Format.SQL, Format.ROWS)
"""Formats in which several entities may follow each other in one output."""


@command(app, "schemas")
async def schemas(client: Client, limit: Limit = None, every: All = False, json: Json = False) -> None:
    """List your schemas, newest first. Every domain is one too: `greenroom domains list`."""
    rows = Rows("SCHEMA", "CALLED", "ENTITIES", "REGISTERED", leave_out=["REGISTERED"], prose=["CALLED"])
    await print_list(client.schemas.list(), rows, _row, limit=limit, every=every, json=json)


def _row(one: Schema) -> tuple[str, ...]:
    return one.name, one.display_name, str(len(one.entities)), when(one.create_time)


@command(app, "show")
async def show(client: Client, name: Name, json: Json = False) -> None:
    """Show one of your schemas: its entities, with their fields and rules counted."""
    found = await client.schemas.get(name)
    if json:
        print_json(found.schema)
        return
    one = found.schema
    console().print(
        facts(
            ("name", one.name),
            ("called", one.display_name),
            ("scenarios", ", ".join(one.scenarios) or "none"),
            ("registered", f"{when(one.create_time)} by {one.creator}"),
        )
    )
    rows = Rows("ENTITY", "FIELDS", "RULES", "REFERS TO")
    for entity in one.entities:
        rows.add(entity.name, str(entity.field_count), str(entity.rule_count), ", ".join(entity.parents))
    console().print(rows)


@command(app, "register")
async def register(
    client: Client,
    file: File,
    schema_id: Annotated[str, typer.Option("--as", metavar="ID", help="The id of the schema, such as bookshop.")],
    json: Json = False,
) -> None:
    """Register the pack in a YAML file as a schema; docs/domains.md says how packs are written."""
    made = await client.schemas.register_file(file, schema_id)
    if json:
        print_json(made)
        return
    console().print(f"{made.name} is registered with {len(made.entities)} entities.")


@command(app, "delete")
async def delete(client: Client, name: Name, yes: Yes = False) -> None:
    """Delete one of your schemas."""
    confirmed(f"Delete {name}?", yes)
    await client.schemas.delete(name)
    console().print(f"{name} is deleted.")


@dataclass(frozen=True)
class Asked:
    """What records are asked for, besides the entities."""

    seed: Annotated[int, typer.Option(help="The same seed gives the same records.")] = 0
    locale: Annotated[str, typer.Option(help="The language and country of names and addresses: de-DE.")] = ""
    scenario: Annotated[
        list[str] | None,
        typer.Option(metavar="ID[=SHARE]", help="A scenario, such as happy_path, and its share; may be repeated."),
    ] = None
    edge_cases: Annotated[
        bool, typer.Option("--edge-cases", help="Have edge cases among the records; files say which have them.")
    ] = False
    production_like: Annotated[
        bool, typer.Option("--production-like", help="Draw skewed, seasonal and correlated values.")
    ] = False
    samples: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ENTITY=FILE",
            help="Rows of an entity that you have, as CSV, JSONL or Parquet: the records are compared with them, and "
            "with --production-like drawn like them; may be repeated.",
        ),
    ] = None


@command(app, "write")
async def write_(
    client: Client,
    made_from: Source,
    entities: Entities,
    asked: Asked,
    format: Annotated[Format, typer.Option(help="The format of the files; any but rows.")] = Format.PARQUET,  # noqa: A002
    shards: Annotated[int, typer.Option(min=0, help="How many parts; 0: as few as possible.")] = 0,
    to: Annotated[
        str, typer.Option(metavar="PLACE", help="A folder in the server's output, or s3://bucket/prefix.")
    ] = "",
    watch: Following = True,
    json: Json = False,
) -> int:
    """Start to write a dataset of records, and watch it. The server continues if the watch is interrupted.

    With --json it prints the dataset as it ended.
    """
    records = _spec(made_from, _counts(entities), asked)
    spec = RecordDatasetSpec(records=records, format=_FORMATS[format], shard_count=shards, destination=to)
    dataset = await client.record_datasets.start(spec)
    return await followed(client, dataset, json) if watch else print_dataset(dataset, json)


@command(app, "generate")
async def generate(
    client: Client,
    made_from: Source,
    entities: Entities,
    asked: Asked,
    quality: Annotated[bool, typer.Option("--quality", help="Say how good the records of each entity are.")] = False,
    format: Annotated[Format, typer.Option(help="What to write.")] = Format.JSONL,  # noqa: A002
    output: Annotated[
        Path | None, typer.Option("--out", "-o", help="A folder for a file of each entity; none: standard output.")
    ] = None,
) -> None:
    """Generate records, parents first, and say how the rules fare on them."""
    counts = _counts(entities)
    if output is None and len(counts) > 1 and format not in _MIXED:
        raise Failed(f"Records of several entities in {format} need a folder each can have a file in: --out.", USAGE)
    if output is None and format in (Format.PARQUET, Format.ARROW) and sys.stdout.isatty():
        raise Failed(f"{format} is not for screens; write it to a folder with --out.", USAGE)
    spec = _spec(made_from, counts, asked)
    measured = quality or bool(asked.samples)
    checks: list[RuleCheck] = []
    qualities: list[EntityQuality] = []
    edges: dict[str, Edges] = {}
    files: dict[Path, IO[bytes]] = {}
    with ExitStack() as stack:

        def write(name: str, data: bytes) -> None:
            if output is None:
                write_out(data)
                return
            path = output / name
            if path not in files:
                output.mkdir(parents=True, exist_ok=True)
                part = path.with_name(f"{path.name}.part")
                files[path] = stack.enter_context(part.open("wb"))
                # Rename takes the part away when all is written; this does it when something fails.
                stack.callback(part.unlink, missing_ok=True)
            files[path].write(data)

        streamed = client.records.stream(spec, _FORMATS[format], measure_quality=measured)
        async with aclosing(streamed) as messages:
            async for message in messages:
                rows = (f"{jsons.dumps(MessageToDict(row))}\n".encode() for row in message.rows)
                if message.entity:
                    write(f"{message.entity}.{format}", message.data + b"".join(rows))
                    told = edges.setdefault(message.entity, Edges())
                    lines = told.lines(message.edges, message.scenarios)
                    if lines and output is not None:
                        write(f"{message.entity}.edges.jsonl", lines)
                checks += message.checks
                qualities += message.qualities
        sys.stdout.flush()
        for file in files.values():
            file.close()
        for path in files:
            path.with_name(f"{path.name}.part").rename(path)
        for path in (output / f"{entity}.edges.jsonl" for entity in counts) if output is not None else ():
            if path not in files:
                # It is about other records, which were there before.
                path.unlink(missing_ok=True)
    _say(checks)
    for entity, told in edges.items():
        if words := "; ".join(filter(None, (told.scenario_words, told.words))):
            console(stderr=True).print(f"{entity}: {words}.", soft_wrap=True)
    for one in qualities:
        console(stderr=True).print(f"{one.entity}: quality {quality_words(one.quality)}", soft_wrap=True)


def _spec(made_from: str, counts: Mapping[str, int], asked: Asked) -> RecordSpec:
    shares = [*map(share, asked.scenario or [])]
    return RecordSpec(
        source=_source(made_from),
        entities=[EntityCount(entity=entity, count=count) for entity, count in counts.items()],
        seed=asked.seed,
        locale=asked.locale,
        scenario=shares[0].scenario if len(shares) == 1 else "",
        scenarios=[RecordScenario(scenario=one.scenario, share=one.share) for one in shares] if shares[1:] else [],
        include_edge_cases=asked.edge_cases,
        production_like=asked.production_like,
        samples=map(_samples, asked.samples or []),
    )


def _counts(entities: Sequence[str]) -> dict[str, int]:
    counts = dict(map(_count, entities))
    if len(counts) < len(entities):
        raise Failed("An entity is named twice; say once how many of it there should be.", USAGE)
    return counts


def _count(given: str) -> tuple[str, int]:
    entity, equals, count = given.rpartition("=")
    if not entity or not equals or not count.replace("_", "").isdecimal() or not 0 < int(count) <= 10**10:
        raise Failed(f"`{given}` is no entity with a number of records, such as order=100.", USAGE)
    return entity, int(count)


def _samples(given: str) -> EntitySamples:
    entity, equals, path = given.partition("=")
    if not entity or not equals or not path:
        raise Failed(f"`{given}` is no entity with a file of its rows, such as order=orders.csv.", USAGE)
    return EntitySamples(entity=entity, rows=read_samples(Path(path)))


def _source(given: str) -> SchemaSource:
    if given.startswith("schemas/"):
        return SchemaSource(schema=full_name("schemas", given))
    if given.endswith((".yaml", ".yml")):
        try:
            return SchemaSource(yaml=Path(given).read_bytes(), file=given)
        except OSError as error:
            raise Failed(f"{given} cannot be read: {error.strerror}.", USAGE) from None
    name, at, revision = given.partition("@")
    return SchemaSource(domain=f"{full_name('domains', name)}{at}{revision}")


def _say(checks: list[RuleCheck]) -> None:
    """Say on standard error how the rules fare."""
    screen = console(stderr=True)
    violated = [one for one in checks if one.violated]
    if checks:
        held = sum(one.held for one in checks)
        rules = f"{len(checks) - len(violated)} of {len(checks)} rules hold"
        screen.print(f"{rules}; {held:,} checks held.", soft_wrap=True)
    for one in violated:
        examples = ", ".join(map(str, one.examples))
        severity = BusinessRule.Severity.Name(one.severity).removeprefix("SEVERITY_").lower()
        screen.print(
            f"{one.rule} ({severity}): {one.violated:,} of {one.checked:,} `{one.entity}` violate it: {examples}.",
            soft_wrap=True,
        )
