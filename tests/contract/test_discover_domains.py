"""Discovering domains over real gRPC: what comes back, what is stored, and what bad files get."""

import asyncio
import gzip
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from greenroom.client import GreenroomError
from greenroom.enricher.v1 import domain_pb2 as pb
from greenroom.enricher.v1.domain_pb2_grpc import DomainServiceStub
from shared.model.packs.reading import read_pack
from shared.rpc.packs import pack as read_message
from tests.suite import EnricherSuite

Kind = pb.DiscoverDomainHeader.Kind
TABLES = """
CREATE TABLE customer (id int PRIMARY KEY, email text NOT NULL UNIQUE);
CREATE TABLE sale (
    id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customer, price numeric(8,2) NOT NULL,
    quantity int NOT NULL, total numeric(8,2) NOT NULL,
    CHECK (jsonb_typeof(price) = 'number')
);
"""


async def discovered(enricher: EnricherSuite, files: dict[str, bytes], **asked: Any) -> pb.DiscoverDomainResponse:
    """What these files say."""
    folder = enricher.folder / "discovered"
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return await enricher.client.domains.discover([folder / name for name in files], **asked)


def sales(count: int) -> list[dict[str, Any]]:
    """Sales whose totals are right, each of a customer from 1 to 7."""
    rows = []
    for number in range(1, count + 1):
        quantity, cents = number % 5 + 1, number * 37 % 900 + 100
        total = quantity * cents / 100
        row = {"id": number, "customer_id": number % 7 + 1, "price": cents / 100, "quantity": quantity, "total": total}
        rows.append(row)
    return rows


async def test_files_become_one_pack_that_can_be_stored_as_a_draft(enricher: EnricherSuite) -> None:
    rows = "\n".join(map(json.dumps, sales(400))).encode()

    found = await discovered(enricher, {"shop.sql": TABLES.encode(), "sale.jsonl": rows}, domain_id="found")

    assert list(found.kinds) == [Kind.KIND_SQL, Kind.KIND_JSONL]
    assert [entity.name for entity in found.pack.entities] == ["customer", "sale"]
    rule = next(one for one in found.pack.rules if one.proposed and "==" in one.expression)
    assert rule.expression == "total == round(price * quantity, 2)"
    assert (rule.support.held, rule.support.seen) == (400, 400)
    assert [(one.place, one.reason) for one in found.not_read] == [
        (
            "shop.sql: line 6",
            "The rule is kept in words only, because rules have nothing like `JSONB_TYPEOF(price)`.",
        )
    ]
    assert found.not_read_count == 1
    assert read_pack(found.yaml, "found.yaml") == read_message(found.pack)
    stored = await enricher.client.domains.get("domains/found")
    assert stored.revision.state == pb.DomainRevision.State.STATE_DRAFT
    assert stored.revision.pack == found.pack
    assert found.domain == stored.domain


async def test_every_kind_of_sample_rows_gives_the_same_rules(enricher: EnricherSuite) -> None:
    rows = sales(400)
    parquet = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), parquet)
    lines = [",".join(map(str, row.values())) for row in rows]
    csv = "\n".join([",".join(rows[0]), *lines]).encode()
    jsonl = gzip.compress("\n".join(map(json.dumps, rows)).encode())

    found = [
        await discovered(enricher, {name: data})
        for name, data in (("sale.csv", csv), ("sale.jsonl.gz", jsonl), ("sale.parquet", parquet.getvalue()))
    ]

    assert [list(one.kinds) for one in found] == [[Kind.KIND_CSV], [Kind.KIND_JSONL], [Kind.KIND_PARQUET]]
    for one in found:
        (entity,) = one.pack.entities
        assert (entity.name, list(entity.key)) == ("sale", ["id"])
        assert [rule.expression for rule in one.pack.rules] == [
            "price <= total",
            "quantity <= total",
            "total == round(price * quantity, 2)",
        ]
        assert [field.name for field in entity.fields if field.nullable] == []


async def test_few_or_random_rows_suggest_no_rule(enricher: EnricherSuite) -> None:
    few = "\n".join(map(json.dumps, sales(25))).encode()
    # Linear congruences: numbers that have nothing to do with each other.
    noise = [
        {name: (number * step + 7) % 1009 for name, step in (("a", 17), ("b", 101), ("c", 613))}
        for number in range(900)
    ]

    found = await discovered(enricher, {"sale.jsonl": few, "noise.jsonl": "\n".join(map(json.dumps, noise)).encode()})

    assert [rule.expression for rule in found.pack.rules] == []
    assert [list(entity.key) for entity in found.pack.entities] == [[], []]


async def test_circular_references_of_openapi_are_followed_once(enricher: EnricherSuite) -> None:
    node = {
        "type": "object",
        "required": ["id"],
        "properties": {"id": {"type": "integer"}, "next": {"$ref": "#/components/schemas/Node"}},
    }
    schemas = {
        "Node": node,
        "Loop": {"$ref": "#/components/schemas/Loop"},
        "Mixed": {"allOf": [{"$ref": "#/components/schemas/Mixed"}, {"properties": {"a": {"type": "string"}}}]},
        "Outside": {
            "properties": {"x": {"$ref": "other.yaml#/X"}, "y": {"oneOf": [{"type": "string"}, {"type": "array"}]}}
        },
    }
    document = {"openapi": "3.1.0", "paths": {}, "components": {"schemas": schemas}}

    found = await discovered(enricher, {"api.json": json.dumps(document).encode()})

    assert [entity.name for entity in found.pack.entities] == ["Node", "Mixed", "Outside"]
    assert found.pack.entities[0].fields[1].description == "A `Node`."
    assert {(one.place, one.construct) for one in found.not_read} == {
        ("api.json: #/components/schemas/Mixed/allOf/0", "$ref #/components/schemas/Mixed"),
        ("api.json: #/components/schemas/Loop", "$ref #/components/schemas/Loop"),
        ("api.json: #/components/schemas/Outside/properties/x", "$ref other.yaml#/X"),
        ("api.json: #/components/schemas/Outside/properties/y/oneOf", '[{"type": "string"}, {"type": "array"}]'),
    }


BAD = [
    ("empty.sql", b" \n", {}, "SOURCE_EMPTY", "empty.sql is empty"),
    ("dump.sql", b"CREATE TABLE `a` (`id` int);", {}, "NOTHING_DISCOVERED", "another dialect, perhaps mysql"),
    ("open.sql", b"CREATE TABLE a (x text DEFAULT 'abc);", {}, "NOTHING_DISCOVERED", "Nothing was found in open.sql"),
    ("a.sql", b"CREATE TABLE a (x int);", {"dialect": "postgrez"}, "DIALECT_UNKNOWN", "did you mean `postgres`?"),
    ("notes.txt", b"Dear all,", {}, "SOURCE_KIND_UNKNOWN", "It is not clear what notes.txt is"),
    ("shop.proto", b'syntax = "proto3";', {}, "SOURCE_UNREADABLE", "compile it with `protoc"),
    ("noise.binpb", bytes(range(256)), {}, "SOURCE_UNREADABLE", "as a FileDescriptorSet"),
    ("noise.parquet", b"PAR1" + bytes(50), {}, "SOURCE_UNREADABLE", "as Parquet"),
    ("old.yaml", b"swagger: '2.0'", {}, "SOURCE_UNREADABLE", "convert it to 3.0 first"),
    ("cut.json", b'{"openapi": "3.0.0",\n"x": ', {}, "SOURCE_UNREADABLE", "line 2, column 6"),
    ("deep.json", b'{"a":' * 90_000, {}, "SOURCE_UNREADABLE", "cannot be read as"),
    ("alias.yaml", b"a: &a [1]\nb: *a\n", {}, "SOURCE_UNREADABLE", "line 2 has the alias *a"),
    ("latin.csv", "name\nMüller\n".encode("latin-1"), {}, "SOURCE_UNREADABLE", "byte 7 is no UTF-8"),
    ("quote.csv", b'a,b\n"x"y,2\n', {}, "SOURCE_UNREADABLE", "line 2"),
    ("lines.jsonl", b"1\n2\n", {}, "SOURCE_UNREADABLE", "no line is a JSON object"),
    ("cut.sql.gz", gzip.compress(TABLES.encode())[:-20], {}, "SOURCE_UNREADABLE", "ends too early"),
    ("bomb.csv.gz", gzip.compress(bytes(200 << 20)), {}, "SOURCE_UNREADABLE", "unpacks to more than"),
    (
        "wrong.sql",
        TABLES.encode(),
        {"kind": Kind.KIND_PARQUET},
        "SOURCE_UNREADABLE",
        "wrong.sql cannot be read as Parquet",
    ),
]


@pytest.mark.parametrize(("file", "data", "asked", "reason", "said"), BAD, ids=[one[0] for one in BAD])
async def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(
    enricher: EnricherSuite, file: str, data: bytes, asked: dict[str, Any], reason: str, said: str
) -> None:
    with pytest.raises(GreenroomError) as raised:
        await discovered(enricher, {file: data}, **asked)

    assert (raised.value.code, raised.value.reason) == ("INVALID_ARGUMENT", reason)
    assert said in str(raised.value)
    assert (await enricher.client.domains.get("domains/ecommerce")).domain.built_in


async def test_what_was_not_read_of_a_file_without_tables_is_named_with_its_places(enricher: EnricherSuite) -> None:
    with pytest.raises(GreenroomError) as raised:
        await discovered(enricher, {"views.sql": b"CREATE VIEW a AS SELECT 1;\n\nCREATE TABLE b AS SELECT 2;"})

    assert [one.field for one in raised.value.violations] == ["views.sql: line 1", "views.sql: line 3"]
    assert raised.value.violations[0].description.endswith("A view is a program, and a pack has none.")


async def test_a_built_in_domain_is_not_overwritten(enricher: EnricherSuite) -> None:
    with pytest.raises(GreenroomError) as raised:
        await discovered(enricher, {"a.sql": TABLES.encode()}, domain_id="ecommerce")

    assert raised.value.reason == "DOMAIN_BUILT_IN"


async def test_files_of_500_mb_are_refused_once_32_mib_are_there_while_others_are_answered(
    enricher: EnricherSuite,
) -> None:
    sent = 0

    async def chunks() -> AsyncIterator[pb.DiscoverDomainRequest]:
        nonlocal sent
        yield pb.DiscoverDomainRequest(header=pb.DiscoverDomainHeader(file="huge.sql"))
        for _ in range(500):
            sent += 1
            yield pb.DiscoverDomainRequest(chunk=b"x" * (1 << 20))

    async with grpc.aio.insecure_channel(enricher.address) as channel:
        stub = DomainServiceStub(channel)
        refused = asyncio.ensure_future(asyncio.gather(stub.DiscoverDomain(chunks()), return_exceptions=True))
        assert (await enricher.client.domains.get("domains/ecommerce")).domain.built_in
        (error,) = await refused

    assert isinstance(error, grpc.aio.AioRpcError)
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "more than 32 MiB" in (error.details() or "")
    assert sent < 100
