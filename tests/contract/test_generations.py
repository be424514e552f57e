"""Test data from one request, through the gateway, the enricher and the service of test data."""

import csv
import io
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
import pyarrow.parquet as parquet
import pytest

from greenroom.client import GreenroomError
from greenroom.enricher.v1.enrichment_pb2 import ScenarioShare
from greenroom.gateway.v1 import generation_pb2 as pb
from greenroom.gateway.v1.generation_pb2_grpc import GenerationServiceStub
from greenroom.testdata.v1 import record_pb2
from greenroom.testdata.v1.record_quality_pb2 import RecordQuality
from greenroom.type.v1.domain_pb2 import FieldConstraint
from tests.processes import PATIENCE
from tests.suite import Suite, suite

SHOP = "domains/ecommerce"
OTHERS = {"enricher": "sqlite", "testdata": "sqlite", "gateway": "sqlite"}
PATIENT: dict[str, Any] = {"peer_timeout_seconds": PATIENCE}


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Suite]:
    async with suite("sqlite", tmp_path_factory.mktemp("generations"), others=OTHERS, **PATIENT) as running:
        yield running


def asked(**fields: Any) -> pb.GenerateTestDataRequest:
    """A request for 100 carts of the shop, with other fields."""
    request: dict[str, Any] = {"domain": SHOP, "entity": "cart", "count": 100, "workflow": "checkout", "seed": 7}
    return pb.GenerateTestDataRequest(**{**request, **fields})


def rows(answer: pb.GenerateTestDataResponse) -> list[dict[str, Any]]:
    """The records of an answer in JSONL."""
    assert answer.success, answer.error.message
    return [json.loads(line) for line in answer.data.splitlines()]


async def test_a_hundred_carts_obey_the_rules_and_say_how_they_were_made(house: Suite) -> None:
    answer = await house.client.test_data.generate(asked(request_id="carts-1"))

    assert answer.success, answer.error.message
    assert (answer.request_id, answer.entity, answer.workflow, answer.record_count) == (
        "carts-1",
        "cart",
        "checkout",
        100,
    )
    carts = rows(answer)
    assert len({cart["id"] for cart in carts}) == 100
    made = answer.generation_metadata
    assert (made.seed, made.revision, made.locale) == (7, 1, "en-GB")
    assert made.checks
    assert not any(one.violated for one in made.checks)
    assert answer.quality.rules_held == 1
    assert answer.generated_at.seconds

    again = await house.client.test_data.generate(asked())
    assert again.data == answer.data
    another = await house.client.test_data.generate(asked(seed=8))
    assert another.data != answer.data


async def test_records_like_those_of_production_are_skewed_and_obey_the_rules_too(house: Suite) -> None:
    quantities = {}
    for alike in (False, True):
        answer = await house.client.test_data.generate(
            asked(entity="cart_item", workflow="", count=1000, production_like=alike)
        )
        assert not any(one.violated for one in answer.generation_metadata.checks)
        quantities[alike] = sorted(row["quantity"] for row in rows(answer))
    assert quantities[True][500] < quantities[False][500] / 2


async def test_the_quality_has_parts_and_with_sample_rows_says_how_like_them_the_records_are(house: Suite) -> None:
    plain = (await house.client.test_data.generate(asked())).quality
    named = {field.name for field, _ in plain.ListFields()}
    assert named == {"score", "rules_held", "diversity", "constraint_coverage"}
    assert plain.rules_held == 1 > plain.diversity > 0.9

    async def compared(carts: list[dict[str, Any]]) -> RecordQuality:
        request = asked()
        for cart in carts:
            request.sample_rows.add().update(cart)
        answer = await house.client.test_data.generate(request)
        assert answer.success, answer.error.message
        return answer.quality

    carts = rows(await house.client.test_data.generate(asked(seed=8, count=400)))
    alike = await compared(carts)
    other = await compared([{**cart, "status": "active", "created_at": carts[0]["created_at"]} for cart in carts])
    assert alike.column_shapes > other.column_shapes + 0.2
    assert alike.pair_trends > other.pair_trends + 0.2
    assert 0 < alike.cardinality <= 1

    request = asked()
    for cart in carts[:9]:
        request.sample_rows.add().update(cart)
    request.sample_rows[7].update({"created_at": "soon"})
    refused = await house.client.test_data.generate(request)
    assert (refused.success, refused.error.reason) == (False, "RECORD_SAMPLE_INVALID")
    assert refused.error.fields[0].field == "sample_rows[7].created_at"


async def test_constraints_hints_and_the_scenario_narrow_the_records(house: Suite) -> None:
    narrow = FieldConstraint(field="status")
    narrow.bounds.values.add().string_value = "abandoned"
    narrowed = rows(await house.client.test_data.generate(asked(constraints=[narrow])))
    assert {cart["status"] for cart in narrowed} == {"abandoned"}

    hinted = await house.client.test_data.generate(asked(hints=["only converted carts"]))
    assert hinted.enrichment_metadata.hints[0].applied
    assert {cart["status"] for cart in rows(hinted)} == {"converted"}

    paid = FieldConstraint(field="status")
    paid.bounds.values.add().string_value = "paid"
    orders = rows(await house.client.test_data.generate(asked(entity="order", workflow="", constraints=[paid])))
    assert all(order["paid_at"] >= order["placed_at"] for order in orders)

    happy = await house.client.test_data.generate(asked(entity="order_item", workflow="", scenario="happy_path"))
    assert (happy.scenario, happy.generation_metadata.scenario) == ("happy_path", "happy_path")
    assert {item["quantity"] for item in rows(happy)} <= {1, 2, 3, 4, 5}


async def test_records_come_in_the_format_that_was_asked_for(house: Suite) -> None:
    async def data(form: record_pb2.RecordFormat.ValueType) -> bytes:
        answer = await house.client.test_data.generate(asked(count=20, output_format=form))
        assert (answer.success, answer.record_count) == (True, 20), answer.error.message
        return answer.data

    wanted = [cart["id"] for cart in map(json.loads, (await data(record_pb2.RECORD_FORMAT_JSONL)).splitlines())]
    assert [cart["id"] for cart in json.loads(await data(record_pb2.RECORD_FORMAT_JSON))] == wanted
    table = csv.DictReader(io.StringIO((await data(record_pb2.RECORD_FORMAT_CSV)).decode(), newline=""))
    assert [row["id"] for row in table] == wanted
    columns = parquet.read_table(io.BytesIO(await data(record_pb2.RECORD_FORMAT_PARQUET)))
    assert [str(one) for one in columns["id"].to_pylist()] == wanted
    with closing(sqlite3.connect(":memory:")) as db:
        names = ", ".join(f'"{name}"' for name in columns.column_names)
        db.execute(f'CREATE TABLE "cart" ({names})')
        db.executescript((await data(record_pb2.RECORD_FORMAT_SQL)).decode())
        assert [row[0] for row in db.execute('SELECT "id" FROM "cart"')] == wanted


async def test_the_same_request_with_use_cache_gets_the_same_answer(house: Suite) -> None:
    request = asked(use_cache=True, request_id="first")
    request.ClearField("seed")

    first = await house.client.test_data.generate(request)
    request.request_id = "second"
    second = await house.client.test_data.generate(request)

    assert (first.metadata.cached, second.metadata.cached) == (False, True)
    assert (second.request_id, second.data, second.generated_at) == ("second", first.data, first.generated_at)
    request.use_cache = False
    fresh = await house.client.test_data.generate(request)
    assert (fresh.metadata.cached, fresh.data == first.data) == (False, False)


@pytest.mark.parametrize(
    ("fields", "code", "reason", "said"),
    [
        ({"domain": "domains/ecomerce"}, "NOT_FOUND", "DOMAIN_NOT_FOUND", "did you mean `domains/ecommerce`?"),
        ({"entity": "crat"}, "NOT_FOUND", "ENTITY_NOT_FOUND", "did you mean `cart`?"),
        ({"workflow": "chekout"}, "NOT_FOUND", "DOMAIN_WORKFLOW_NOT_FOUND", "did you mean `checkout`?"),
        ({"scenario": "happy_pth"}, "NOT_FOUND", "SCENARIO_NOT_FOUND", "did you mean `happy_path`?"),
        ({"hints": ["total above 10 EUR", "total below 5 EUR"], "entity": "order"}, "", "CONSTRAINTS_CONTRADICT", ""),
        ({"locale": "de-ED"}, "INVALID_ARGUMENT", "", "de-DE"),
    ],
    ids=["domain", "entity", "workflow", "scenario", "contradiction", "locale"],
)
async def test_what_the_domain_refuses_is_an_answer_that_says_why(
    house: Suite, fields: dict[str, Any], code: str, reason: str, said: str
) -> None:
    answer = await house.client.test_data.generate(asked(**fields))

    assert (answer.success, answer.data) == (False, b"")
    assert answer.error.code == (code or answer.error.code)
    assert answer.error.reason == (reason or answer.error.reason)
    assert said in answer.error.message + "".join(one.description for one in answer.error.fields)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"count": 0}, "INVALID_ARGUMENT"),
        ({"count": 10_001}, "OUT_OF_RANGE"),
        ({"output_format": record_pb2.RECORD_FORMAT_ROWS}, "INVALID_ARGUMENT"),
        ({"output_format": 99}, "INVALID_ARGUMENT"),
    ],
)
async def test_a_count_or_format_that_cannot_be_is_refused(house: Suite, fields: dict[str, Any], code: str) -> None:
    with pytest.raises(GreenroomError) as raised:
        await house.client.test_data.generate(asked(**fields))
    assert raised.value.code == code


async def test_one_of_many_requests_that_fails_is_an_answer_among_the_others(house: Suite) -> None:
    wrong = [asked(count=0), asked(entity="crat"), asked(count=20_000), asked(request_id="x\0")]

    async def requests() -> AsyncIterator[pb.GenerateManyRequest]:
        for request in (asked(request_id="first"), *wrong, asked(request_id="last")):
            yield pb.GenerateManyRequest(request=request)

    async with grpc.aio.insecure_channel(house.address) as channel:
        answers = [one.response async for one in GenerationServiceStub(channel).GenerateMany(requests())]

    assert [one.success for one in answers] == [True, False, False, False, False, True]
    assert [one.error.code for one in answers[1:-1]] == [
        "INVALID_ARGUMENT",
        "NOT_FOUND",
        "OUT_OF_RANGE",
        "INVALID_ARGUMENT",
    ]
    assert answers[1].error.fields[0].field == "count"
    assert (answers[0].request_id, answers[-1].request_id) == ("first", "last")
    assert answers[0].data == answers[-1].data


async def test_a_stream_has_any_number_of_records_and_continues_after_a_cursor(house: Suite) -> None:
    request = asked(count=30_000)
    request.ClearField("seed")
    messages = [one async for one in house.client.test_data.stream(request)]

    result = messages[-1].result
    assert (result.success, result.record_count) == (True, 30_000)
    assert result.quality.rules_held == 1
    data = b"".join(one.data for one in messages)
    assert len(data.splitlines()) == 30_000
    assert len(messages) > 3

    rest = [one async for one in house.client.test_data.stream(request, cursor=messages[1].cursor)]
    assert b"".join(one.data for one in rest) == b"".join(one.data for one in messages[2:])
    assert rest[-1].result.record_count == 30_000
    with pytest.raises(GreenroomError) as raised:
        [one async for one in house.client.test_data.stream(asked(count=5), cursor=messages[1].cursor)]
    assert raised.value.reason == "CURSOR_FOREIGN"


async def test_scenarios_may_have_shares(house: Suite) -> None:
    shares = [ScenarioShare(scenario="happy_path", share=3), ScenarioShare(scenario="edge_cases", share=1)]
    answer = await house.client.test_data.generate(asked(scenarios=shares))
    assert answer.success, answer.error.message


NOTES = """\
display_name: Notes
entities:
  note:
    key: id
    fields:
      id: {type: identifier, format: uuid}
      text: {type: text, max_length: 40}
      stars: {type: integer, minimum: 1, maximum: 5}
"""


async def test_three_scenarios_work_also_if_the_domain_does_not_name_them(house: Suite, tmp_path: Path) -> None:
    file = tmp_path / "notes.yaml"
    file.write_text(NOTES)
    await house.client.domains.import_file(file, "notes", ready=True)

    answers = {
        scenario: await house.client.test_data.generate(
            asked(domain="domains/notes", entity="note", workflow="", scenario=scenario)
        )
        for scenario in ("happy_path", "edge_cases", "security_testing")
    }

    assert {name: one.generation_metadata.scenario for name, one in answers.items()} == {name: name for name in answers}
    assert {name: len(rows(one)) for name, one in answers.items()} == dict.fromkeys(answers, 100)
    labelled = {name: sorted({edge.field for edge in one.edges}) for name, one in answers.items()}
    assert labelled == {"happy_path": [], "edge_cases": ["stars", "text"], "security_testing": ["text"]}
