"""Records of discovered schemas, loaded into databases with those schemas: every key and check is enforced."""

import gzip
import json
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
import jsonschema
import pytest
import yaml
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

from greenroom.testdata.v1 import record_pb2 as pb
from greenroom.testdata.v1.record_pb2_grpc import RecordServiceStub
from services.enricher.discovery import Source, discover
from shared.model.packs.model import Pack
from shared.model.packs.writing import write_pack
from tests.data import shared_data
from tests.pipeline.discovery import LoadedSql, load_sql, unpacked
from tests.postgres import PostgresServer
from tests.suite import testdata_suite as served

ROWS = 10_000
REAL = {
    "chinook": ("chinook", "Chinook_PostgreSql.sql.gz", "chinook"),
    "northwind": ("northwind", "northwind.sql.gz", ""),
}
SHAPES = """
CREATE TABLE "Order" (
    "Id" bigint PRIMARY KEY, "select" int NOT NULL, "Weird ""Name" text CHECK (length("Weird ""Name") BETWEEN 5 AND 9),
    "from" date NOT NULL, "to" date NOT NULL, CHECK ("to" > "from")
);
CREATE TABLE dept (id int PRIMARY KEY, parent_id int REFERENCES dept(id), head int REFERENCES person(id));
CREATE TABLE person (
    id int PRIMARY KEY, dept_id int NOT NULL REFERENCES dept(id), boss int REFERENCES person(id),
    mentor int NOT NULL REFERENCES person(id), salary numeric(8,2) NOT NULL CHECK (salary > 0),
    bonus numeric(8,2) CHECK (bonus <= salary * 0.5), UNIQUE (dept_id, boss)
);
CREATE TABLE friends (
    a int NOT NULL REFERENCES person(id), b int NOT NULL REFERENCES person(id), PRIMARY KEY (a, b), CHECK (a <> b)
);
CREATE TABLE perm (
    person_id int NOT NULL REFERENCES person(id), role varchar(5) NOT NULL CHECK (role IN ('read', 'write')),
    granted boolean NOT NULL, PRIMARY KEY (person_id, role, granted)
);
CREATE TABLE invoice (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, net int NOT NULL CHECK (net > 0),
    gross int GENERATED ALWAYS AS (net + 1) STORED, tags text[] NOT NULL, days date[]
);
CREATE TABLE offer (id int PRIMARY KEY, price numeric(6,2) NOT NULL CHECK (price BETWEEN 0.5 AND 999.99));
CREATE TABLE product (id int PRIMARY KEY, name varchar(12) NOT NULL UNIQUE);
CREATE TABLE offer_product (
    offer_id int NOT NULL REFERENCES offer(id), product_id int NOT NULL REFERENCES product(id), weight real,
    PRIMARY KEY (offer_id, product_id)
);
CREATE TABLE line (
    id int PRIMARY KEY, product_id int NOT NULL REFERENCES product(id), offer_id int NOT NULL,
    FOREIGN KEY (offer_id, product_id) REFERENCES offer_product(offer_id, product_id)
);
CREATE TABLE event (
    id int PRIMARY KEY, kind text NOT NULL CHECK (kind IN ('x', 'y')), xval int, yval int,
    code char(3) NOT NULL CHECK (code LIKE 'A%' AND code NOT LIKE '%7'),
    seen timestamp NOT NULL, note varchar(40) CHECK (upper(note) IN ('YES', 'NO') OR note IS NULL),
    CHECK ((kind = 'x' AND xval IS NOT NULL AND yval IS NULL) OR (kind = 'y' AND yval IS NOT NULL AND xval IS NULL))
);
"""
"""Circles, tables that refer to themselves, names that are words of SQL, and sets that must be unique together."""


PROTO = """
syntax = "proto3";
package shapes;
import "google/protobuf/duration.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
enum Kind { KIND_UNSPECIFIED = 0; KIND_A = 1; }
message Shapes {
  bytes raw = 1;
  repeated Kind kinds = 2;
  oneof pick { string text = 3; int64 number = 4; Leaf leaf = 5; }
  map<string, Leaf> leaves = 6;
  map<int32, string> numbered = 7;
  map<bool, double> flags = 8;
  google.protobuf.Duration duration = 9;
  repeated google.protobuf.Timestamp times = 10;
}
message Leaf { google.protobuf.Struct any = 1; repeated bytes blobs = 2; repeated Shapes shapes = 3; Leaf inner = 4; }
"""
"""Messages inside of messages and of themselves, maps, bytes, and one of several."""


@pytest.fixture(scope="module")
async def records(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RecordServiceStub]:
    folder = tmp_path_factory.mktemp("records")
    async with (
        served(f"sqlite:///{folder}/testdata.db", folder) as suite,
        grpc.aio.insecure_channel(suite.address) as channel,
    ):
        yield RecordServiceStub(channel)


@pytest.mark.parametrize("name", [*REAL, "shapes"])
async def test_ten_thousand_rows_a_table_load_into_both_databases_with_every_key_and_check(
    records: RecordServiceStub, postgres: PostgresServer, name: str
) -> None:
    if name in REAL:
        folder, file, database = REAL[name]
        text = unpacked(shared_data("schemas") / folder / file)
    else:
        text, database = SHAPES, ""
    pack = discover([Source(text.encode(), f"{name}.sql")]).pack
    made = await _streamed(records, pack)
    assert {*made} == {entity.name for entity in pack.entities}

    loaded = load_sql(postgres, _late_keys(text), database)
    tables = ", ".join(f'"{table}"' for table in made)
    postgres.sql(f"TRUNCATE {tables}", loaded.database)
    said = load_into(loaded, b"".join(made.values()))
    assert "ERROR" not in said, said[:2_000]
    assert {table: loaded.rows(f'SELECT count(*) FROM "{table}"')[0]["count"] for table in made} == dict.fromkeys(
        made, ROWS
    )

    with closing(sqlite3.connect(":memory:")) as db:
        shapes = SHAPES.replace("int GENERATED ALWAYS AS IDENTITY", "integer").replace("[]", "")
        db.executescript("PRAGMA foreign_keys = ON;" + (shapes if name == "shapes" else sqlite_schema(loaded)))
        for one in made.values():
            db.executescript(f"BEGIN; {one.decode()} COMMIT;")
        assert not db.execute("PRAGMA foreign_key_check").fetchall()
        for table in made:
            assert db.execute(f'SELECT count(*) FROM "{table}"').fetchone() == (ROWS,)


@pytest.mark.parametrize("path", ["petstore/openapi.yaml", "twilio/twilio_verify_v2.json.gz"])
async def test_bodies_of_an_api_are_valid_by_its_description(records: RecordServiceStub, path: str) -> None:
    data = (shared_data("schemas") / path).read_bytes()
    document = yaml.safe_load(gzip.decompress(data) if path.endswith(".gz") else data)
    pack = discover([Source(data, path)]).pack

    made = await _lines(records, pack, {entity.name: 200 for entity in pack.entities})

    for entity in pack.entities:
        validator = jsonschema.Draft202012Validator(
            {**document, "$ref": entity.origin}, format_checker=jsonschema.FormatChecker()
        )
        for record in made[entity.name]:
            validator.validate(record)


async def test_messages_are_parsed_by_generated_classes(records: RecordServiceStub, tmp_path: Path) -> None:
    demo = (shared_data("schemas") / "online_boutique" / "demo.proto").read_text()
    image = _compiled({"demo.proto": demo, "shapes.proto": PROTO}, tmp_path)
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(image).file:
        pool.Add(file)
    pack = discover([Source(image, "demo.binpb")]).pack

    made = await _lines(records, pack, {entity.name: 200 for entity in pack.entities})

    for entity in pack.entities:
        message = message_factory.GetMessageClass(pool.FindMessageTypeByName(entity.origin))
        for record in made[entity.name]:
            parsed = json_format.ParseDict(record, message())
            assert message.FromString(parsed.SerializeToString()) == parsed
    assert any(record.get("leaves") for record in made["Shapes"])


async def _lines(records: RecordServiceStub, pack: Pack, counts: Mapping[str, int]) -> dict[str, list[dict[str, Any]]]:
    """Records as JSON, without the fields that are null."""
    spec = pb.RecordSpec(source=pb.SchemaSource(yaml=write_pack(pack)), seed=5)
    for name, count in counts.items():
        spec.entities.add(entity=name, count=count)
    made: dict[str, bytes] = {}
    async for message in records.StreamRecords(pb.StreamRecordsRequest(spec=spec, format=pb.RECORD_FORMAT_JSONL)):
        made[message.entity] = made.get(message.entity, b"") + message.data
    return {name: [_without_null(json.loads(line)) for line in made[name].splitlines()] for name in counts}


def _without_null(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: one for key, one in record.items() if one is not None}


def _compiled(files: Mapping[str, str], folder: Path) -> bytes:
    """The descriptor set of .proto files, by buf."""
    for name, text in files.items():
        (folder / name).write_text(text)
    buf = Path(sys.executable).parent / "buf"
    subprocess.run([buf, "build", folder, "-o", folder / "all.binpb"], check=True, cwd=folder)
    return (folder / "all.binpb").read_bytes()


async def _streamed(records: RecordServiceStub, pack: Pack) -> Mapping[str, bytes]:
    """The records of all entities as SQL, in the order in which they are streamed."""
    spec = pb.RecordSpec(source=pb.SchemaSource(yaml=write_pack(pack)), seed=5)
    for entity in pack.entities:
        spec.entities.add(entity=entity.name, count=ROWS)
    made: dict[str, bytes] = {}
    checks: list[pb.RuleCheck] = []
    async for message in records.StreamRecords(pb.StreamRecordsRequest(spec=spec, format=pb.RECORD_FORMAT_SQL)):
        if message.data:
            made[message.entity] = made.get(message.entity, b"") + message.data
        checks += message.checks
    assert not [one.rule for one in checks if one.violated]
    return made


def load_into(loaded: LoadedSql, sql: bytes) -> str:
    """Carry out SQL in one transaction; returns what psql says."""
    script = loaded.server.folder / "records.sql"
    script.write_bytes(b"BEGIN;\n" + sql + b"COMMIT;\n")
    script.chmod(0o644)
    return loaded.server.sql(rf"\i {script}", loaded.database)


def _late_keys(sql: str) -> str:
    """The reference of the first table of a circle after the second table, where PostgreSQL needs it."""
    reference = ", head int REFERENCES person(id)"
    return sql.replace(reference, ", head int") + (
        "ALTER TABLE dept ADD FOREIGN KEY (head) REFERENCES person(id);" if reference in sql else ""
    )


_RANGES = {"smallint": 1 << 15, "integer": 1 << 31, "bigint": 1 << 63}


def sqlite_schema(loaded: LoadedSql) -> str:
    """The tables of a PostgreSQL as its catalogue describes them, with checks for what SQLite's types leave open."""
    catalogue = loaded.catalogue()
    columns = loaded.rows(
        "SELECT * FROM information_schema.columns WHERE table_schema = 'public' ORDER BY ordinal_position"
    )
    parts: dict[str, list[str]] = {}
    for one in columns:
        name = f'"{one["column_name"]}"'
        checks: list[str] = []
        if most := one["character_maximum_length"]:
            checks.append(f"length({name}) <= {most}")
        if size := _RANGES.get(one["data_type"]):
            checks.append(f"typeof({name}) = 'integer' AND {name} BETWEEN {-size} AND {size - 1}")
        if one["data_type"] == "numeric" and one["numeric_precision"]:
            checks.append(f"abs({name}) < 1e{one['numeric_precision'] - one['numeric_scale']}")
            checks.append(f"round({name}, {one['numeric_scale']}) = {name}")
        if one["data_type"] == "date":
            checks.append(f"date({name}) = {name}")
        ends = " NOT NULL" if one["is_nullable"] == "NO" else ""
        kind = one["data_type"].upper()
        check = f" CHECK ({name} IS NULL OR ({' AND '.join(checks)}))" if checks else ""
        parts.setdefault(one["table_name"], []).append(f"{name} {kind}{ends}{check}")
    for table, key in catalogue.keys.items():
        parts[table].append(f"PRIMARY KEY ({', '.join(key)})")
    for table, unique in catalogue.uniques:
        parts[table].append(f"UNIQUE ({', '.join(unique)})")
    for table, children, parent, parents in catalogue.references:
        assert len(children) == 1
        parts[table].append(f"FOREIGN KEY ({', '.join(children)}) REFERENCES {parent} ({', '.join(parents)})")
    return "".join(f'CREATE TABLE "{table}" ({", ".join(some)});' for table, some in parts.items())
