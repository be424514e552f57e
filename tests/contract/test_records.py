"""Records that obey the rules of their domain, by gRPC."""

import io
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from greenroom.testdata.v1 import record_pb2 as pb
from greenroom.testdata.v1.record_pb2_grpc import RecordServiceStub
from tests.record_datasets import BOXES
from tests.suite import TestdataSuite
from tests.suite import testdata_suite as served

PACKS = Path(__file__).parents[2] / "services/enricher/domains/packs"
SHOP = (PACKS / "ecommerce.yaml").read_bytes()
SUPPORT = (PACKS / "customer_support.yaml").read_bytes()


def spec(yaml: bytes, counts: dict[str, int], **others: object) -> pb.RecordSpec:
    """What to make of a pack."""
    entities = [pb.EntityCount(entity=name, count=count) for name, count in counts.items()]
    return pb.RecordSpec(source=pb.SchemaSource(yaml=yaml), entities=entities, **others)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
async def records(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RecordServiceStub]:
    folder = tmp_path_factory.mktemp("records")
    async with (
        served(f"sqlite:///{folder}/testdata.db", folder) as suite,
        grpc.aio.insecure_channel(suite.address) as channel,
    ):
        yield RecordServiceStub(channel)


def lines(found: pb.GenerateRecordsResponse, entity: str) -> list[dict[str, object]]:
    """The records of an entity."""
    [one] = [one for one in found.entities if one.entity == entity]
    return [json.loads(line) for line in one.data.splitlines()]


async def test_several_entities_refer_to_each_other_and_every_rule_is_checked_and_held(
    records: RecordServiceStub,
) -> None:
    counts = {"customer": 200, "order": 300, "order_item": 700, "payment": 300}
    found = await records.GenerateRecords(pb.GenerateRecordsRequest(spec=spec(SHOP, counts, seed=7)))

    assert {one.entity: one.record_count for one in found.entities} == counts
    customers, orders, items = (lines(found, name) for name in ("customer", "order", "order_item"))
    ids = {one["id"] for one in customers}
    assert len(ids) == 200
    assert {one["customer_id"] for one in orders} <= ids
    for order in orders:
        own = [one for one in items if one["order_id"] == order["id"]]
        assert own
        assert len({one["product_id"] for one in own}) == len(own)
        total = sum(one["price"] * one["quantity"] for one in own)  # type: ignore[operator]
        assert order["items_total"] == total
        assert order["total"] == total - order["discount"] + order["shipping"]  # type: ignore[operator]
    assert len({order["status"] for order in orders}) > 3
    checks = {one.rule: one for one in found.checks}
    assert (checks["order-total"].checked, checks["order-total"].held) == (300, 300)
    assert not [one.rule for one in found.checks if one.violated]


async def test_as_many_parents_are_made_as_children_need_that_no_two_have_alike(records: RecordServiceStub) -> None:
    asked = spec(SHOP, {"order": 1, "order_item": 150})
    found = await records.GenerateRecords(pb.GenerateRecordsRequest(spec=asked))

    assert len({item["product_id"] for item in lines(found, "order_item")}) == 150


@pytest.mark.parametrize("pack", [SHOP, SUPPORT], ids=["shop", "support"])
async def test_a_scenario_narrows_the_values_and_all_rules_hold(records: RecordServiceStub, pack: bytes) -> None:
    main, held = ("order", {"paid", "fulfilling", "shipped", "delivered"}) if pack is SHOP else ("ticket", None)
    asked = spec(pack, {main: 100}, scenario="happy_path")
    found = await records.GenerateRecords(pb.GenerateRecordsRequest(spec=asked))

    made = lines(found, main)
    if held:
        assert {one["status"] for one in made} <= held
    else:
        assert {one["priority"] for one in made} <= {"low", "normal"}
    assert found.checks
    assert not [one.rule for one in found.checks if one.violated]


@pytest.mark.parametrize(
    ("form", "counts"), [(pb.RECORD_FORMAT_JSONL, 18_000), (pb.RECORD_FORMAT_ROWS, 17_000)], ids=["JSONL", "ROWS"]
)
async def test_a_stream_gives_the_same_bytes_from_any_cursor_and_the_checks_at_its_end(
    records: RecordServiceStub, form: pb.RecordFormat.ValueType, counts: int
) -> None:
    asked = spec(SUPPORT, {"ticket": counts, "message": counts}, seed=3)
    request = pb.StreamRecordsRequest(spec=asked, format=form)
    whole = [one async for one in records.StreamRecords(request)]

    counted: Counter[str] = Counter()
    for one in whole:
        counted[one.entity] += one.record_count
    assert counted["ticket"] == counted["message"] == counts
    assert all(one.ByteSize() < 3 << 20 for one in whole)
    assert whole[-1].checks
    assert not [one.rule for one in whole[-1].checks if one.violated]
    middle = whole[len(whole) // 2]
    request.cursor = middle.cursor
    rest = [one async for one in records.StreamRecords(request)]
    assert [one.SerializeToString() for one in rest[:-1]] == [
        one.SerializeToString() for one in whole[len(whole) // 2 + 1 : -1]
    ]


async def test_a_range_alone_has_the_bytes_that_it_has_in_all_records(records: RecordServiceStub) -> None:
    request = pb.StreamRecordsRequest(spec=spec(SUPPORT, {"article": 40_000}, seed=3), format=pb.RECORD_FORMAT_JSONL)
    whole = b"".join([one.data async for one in records.StreamRecords(request)]).splitlines()
    request.range.CopyFrom(pb.RecordRange(first=30_001, count=5_000))
    part = b"".join([one.data async for one in records.StreamRecords(request)]).splitlines()

    assert part == whole[30_000:35_000]


async def test_parquet_streams_as_one_file_with_row_groups_that_continues_from_any_cursor(
    records: RecordServiceStub,
) -> None:
    asked = spec(BOXES, {"box": 1_500, "piece": 140_000}, seed=3)
    request = pb.StreamRecordsRequest(spec=asked, format=pb.RECORD_FORMAT_PARQUET)
    whole = [one async for one in records.StreamRecords(request)]
    request.cursor = whole[-3].cursor
    rest = [one async for one in records.StreamRecords(request)]
    request.format, request.cursor = pb.RECORD_FORMAT_ARROW_IPC, ""
    other = [one async for one in records.StreamRecords(request)]
    request.format = pb.RECORD_FORMAT_PARQUET
    request.range.CopyFrom(pb.RecordRange(first=1_001, count=100_000))
    ranged = [one async for one in records.StreamRecords(request)]

    assert whole[-1].checks
    assert not [one.rule for one in whole[-1].checks if one.violated]
    for entity, rows in (("box", 1_500), ("piece", 140_000)):
        file = pq.ParquetFile(io.BytesIO(data(whole, entity)))
        assert (file.metadata.num_rows, file.metadata.num_row_groups) == (rows, 2)
        as_arrow = pa.ipc.open_stream(data(other, entity)).read_all()
        assert file.read().cast(as_arrow.schema) == as_arrow
        part = pq.read_table(io.BytesIO(data(ranged, entity)))
        assert part.cast(as_arrow.schema) == as_arrow.slice(1_000, 100_000)
        assert data(rest, entity) == b"".join(one.data for one in whole[-2:] if one.entity == entity)
        assert sum(one.record_count for one in whole if one.entity == entity) == rows


async def test_parquet_of_few_records_among_very_many_has_them_all(records: RecordServiceStub) -> None:
    request = pb.StreamRecordsRequest(spec=spec(BOXES, {"box": 600_000, "piece": 2}), format=pb.RECORD_FORMAT_PARQUET)

    stream = [one async for one in records.StreamRecords(request)]

    for entity, rows in (("box", 600_000), ("piece", 2)):
        assert pq.ParquetFile(io.BytesIO(data(stream, entity))).metadata.num_rows == rows


def data(stream: list[pb.StreamRecordsResponse], entity: str) -> bytes:
    """The document of an entity."""
    return b"".join(one.data for one in stream if one.entity == entity)


async def test_a_registered_schema_is_a_source_until_it_is_deleted(traces: TestdataSuite) -> None:
    async with grpc.aio.insecure_channel(traces.address) as channel:
        await _register_and_delete(RecordServiceStub(channel))


async def _register_and_delete(records: RecordServiceStub) -> None:
    made = await records.RegisterSchema(pb.RegisterSchemaRequest(schema_id="shop", yaml=SHOP))
    again = await records.RegisterSchema(pb.RegisterSchemaRequest(schema_id="shop", yaml=SHOP))
    listed = await records.GetSchemas(pb.GetSchemasRequest())
    got = await records.GetSchema(pb.GetSchemaRequest(name="schemas/shop"))
    source = pb.SchemaSource(schema="schemas/shop")
    asked = pb.RecordSpec(source=source, entities=[pb.EntityCount(entity="product", count=5)])
    found = await records.GenerateRecords(pb.GenerateRecordsRequest(spec=asked))
    with pytest.raises(grpc.aio.AioRpcError, match="already exists with other content"):
        await records.RegisterSchema(pb.RegisterSchemaRequest(schema_id="shop", yaml=SUPPORT))
    await records.DeleteSchema(pb.DeleteSchemaRequest(name="schemas/shop"))
    with pytest.raises(grpc.aio.AioRpcError, match="There is no schema schemas/shop"):
        await records.GenerateRecords(pb.GenerateRecordsRequest(spec=asked))

    assert made == again
    assert "schemas/shop" in [one.name for one in listed.schemas]
    assert [one.parents for one in got.schema.entities if one.name == "address"] == [["customer"]]
    assert len(lines(found, "product")) == 5


CIRCLE = b"""
display_name: Circle
entities:
  a: {key: id, fields: {id: {type: identifier}, b_id: {type: identifier}}}
  b: {key: id, fields: {id: {type: identifier}, a_id: {type: identifier}}}
relationships:
  - {child: a, child_fields: b_id, parent: b, parent_fields: id}
  - {child: b, child_fields: a_id, parent: a, parent_fields: id}
"""
NARROW = b"""
display_name: Narrow
entities:
  seat:
    key: id
    fields:
      id: {type: identifier}
      row: {type: integer, minimum: 1, maximum: 3}
      place: {type: integer, minimum: 10, maximum: 20}
      class: {type: text, unique: true, values: [first, second]}
rules:
  seat-order: {entity: seat, text: The place is before the row., expression: place < row}
"""
RULES = b"""
display_name: Rules
entities:
  item:
    key: id
    fields:
      id: {type: identifier}
      a: {type: integer, minimum: 3, maximum: 40}
      b: {type: integer, minimum: 3, maximum: 40}
      zero: {type: integer, minimum: 0, maximum: 0}
      code: {type: text, pattern: "[ab]{2,9}"}
  share:
    key: id
    fields:
      id: {type: identifier}
      zero: {type: integer, minimum: 0, maximum: 0}
      part: {type: number, derived: 10 / zero}
  place:
    key: [item_id, side, open]
    fields: {item_id: {type: identifier}, side: {type: text, values: [left, right]}, open: {type: boolean}}
relationships:
  - {child: place, child_fields: item_id, parent: item, parent_fields: id}
rules:
  first: {entity: item, text: a before b, expression: a < b}
  second: {entity: item, text: The other, expression: RULE}
  last: {entity: item, text: a is small, expression: a < 20}
"""
SOUND = RULES.replace(b"RULE", b"zero >= 0")


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (spec(SHOP, {"ordr": 1}), "no entity `ordr`.*did you mean `order`"),
        (spec(SHOP, {"order": 10_001}), "GenerateRecords makes up to 10,000 records of an entity, not 10,001 `order`"),
        (spec(SHOP, {"order": 1}, scenario="happy_pat"), "no scenario `happy_pat`.*did you mean `happy_path`"),
        (spec(SHOP, {"order": 1}, locale="xx-XX"), "no values for the locale xx-XX"),
        (spec(SHOP, {"order": 9, "order_item": 4}), "at least 1 `order_item`, so there must be 9"),
        (spec(SHOP, {"order": 1, "order_item": 201}), "at most 200 `order_item`, so there can be 200 `order_item`"),
        (
            spec(SHOP, {"order": 1, "order_item": 150, "product": 60}),
            "No two `order_item` of a `order` have the same `product`, so 150 need more `product` or `order`",
        ),
        (spec(SUPPORT, {"agreement": 17}), "the same `tier` and `priority`, and there are 16 combinations"),
        (spec(SUPPORT, {"satisfaction": 9, "ticket": 5}), "at most 1 `satisfaction`, so there can be 5"),
        (spec(CIRCLE, {"a": 1}), "the pack has 1 problem and was not read"),
        (spec(NARROW, {"seat": 3}), "has 2 different values"),
        (
            spec(NARROW, {"seat": 2}),
            "The rule `seat-order` of `seat` .* it needs wider bounds of `seat.place`, `seat.row`",
        ),
        (
            spec(RULES.replace(b"RULE", b"b < a"), {"item": 20}),
            "The rules `first` .a before b. and `second` .The other. of `item` cannot both hold",
        ),
        (
            spec(RULES.replace(b"RULE", b"a < 3 and b < 2"), {"item": 20}),
            "The rules `first` .a before b. and `second` .The other. of `item` cannot both hold",
        ),
        (spec(RULES.replace(b"RULE", b"a > 30"), {"item": 20}), "`second` .* and `last` .* cannot both hold"),
        (
            spec(
                SOUND.replace(b"rules:\n", b"rules:\n  early: {entity: item, text: Early, expression: a > 4}\n")
                + b"  late: {entity: item, text: Late, expression: a > 30}\n",
                {"item": 20},
            ),
            "`last` .* and `late` .* cannot both hold",
        ),
        (
            spec(SOUND, {"share": 2}),
            "`share.part` .* has a value: 10 / zero is not null",
        ),
        (
            spec(SOUND, {"item": 2, "place": 13}),
            "`item_id` and `side` and `open`, and there are 8",
        ),
        (spec(SOUND.replace(b"[ab]", b"(?=a)"), {"item": 2}), "the pack|look-around"),
        (spec(b"a: [", {"a": 1}), "the pack"),
    ],
)
async def test_what_cannot_be_made_is_refused_before_a_record_is(
    records: RecordServiceStub, asked: pb.RecordSpec, sentence: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match=sentence) as refused:
        await records.GenerateRecords(pb.GenerateRecordsRequest(spec=asked))

    assert refused.value.code() in (
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.FAILED_PRECONDITION,
    )
