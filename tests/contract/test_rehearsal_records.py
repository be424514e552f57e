"""Rehearsals over records of a domain, which the gateway has made and stored."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict

from greenroom.gateway.v1 import rehearsal_pb2 as pb
from greenroom.synthesizer.v1 import batch_pb2
from tests.scripted import Script, Theatre, calls, leaves, refused, says, theatre

SHOP = "domains/ecommerce"
LOOKS = Script(
    persona=[says("Which orders are there?"), leaves("Bye.")], agent=[calls("find_order", order="all"), says("Yes.")]
)
OTHERS = dict.fromkeys(("enricher", "testdata", "evaluator", "gateway"), "sqlite")


@pytest.fixture(scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Theatre]:
    folder = tmp_path_factory.mktemp("rehearsal-records")
    async with theatre("sqlite", folder, others=OTHERS, model_attempts=1, job_retry_seconds=0.2) as made:
        yield made


def spec(stage: Theatre, *, sides: int = 1, **records: Any) -> pb.RehearsalSpec:
    """One conversation, whose tool lists the orders of the records."""
    batch = batch_pb2.BatchSpec(conversation=stage.spec(Script(by_index={0: LOOKS}), persona=""), size=1)
    lists = {"operations": {"operations": [{"kind": "KIND_LIST", "type": "order"}]}}
    mocks = {"mocks": [{"tool": "find_order", "rules": [{"replies": [lists]}]}]}
    ParseDict(mocks, batch.conversation.tool_config)
    made = pb.RehearsalSpec(batch=batch, records=ParseDict({"domain": SHOP, **records}, pb.RehearsalRecords()))
    if sides > 1:
        made.compare.seed = 8
    return made


async def over(stage: Theatre, name: str) -> pb.Rehearsal:
    async with stage.client.rehearsals.watch(name) as watch:
        async for _ in watch:
            pass
    assert watch.summary is not None
    return watch.summary


async def orders(stage: Theatre, side: pb.SideProgress) -> list[dict[str, Any]]:
    """What the tool answered in the conversation of a side."""
    [row] = [one async for one in stage.client.batches.results(side.batch)]
    [result] = [one.tool_result for one in await stage.events(row.conversation) if one.HasField("tool_result")]
    shown: Any = MessageToDict(result.answer)
    assert isinstance(shown.get("value"), list), shown
    return list(shown["value"])


async def test_an_agent_is_rehearsed_over_records_that_obey_the_domain(stage: Theatre) -> None:
    started = await stage.client.rehearsals.start(
        spec(
            stage,
            sides=2,
            entities=[{"entity": "order", "count": 5}, {"entity": "order_item", "count": 12}],
            scenario="happy_path",
        )
    )
    done = await over(stage, started.name)

    assert done.state == pb.Rehearsal.STATE_COMPLETED, done.detail
    made = await stage.client.resources.get(done.resources)
    assert dict(made.types) == {"order": 5, "order_item": 12}
    assert started.spec.records.revision == 1
    shown = await orders(stage, done.sides[0])
    assert len({order["id"] for order in shown}) == 5
    assert {order["status"] for order in shown} <= {"paid", "fulfilling", "shipped", "delivered"}
    for side in done.sides:
        assert done.resources in (await stage.client.batches.get(side.batch)).spec.conversation.mock_resources

    await stage.client.rehearsals.delete(done.name)
    async with refused("NOT_FOUND", "RESOURCE_SET_NOT_FOUND"):
        await stage.client.resources.get(done.resources)


async def test_records_without_entities_are_some_of_every_entity(stage: Theatre) -> None:
    started = await stage.client.rehearsals.start(spec(stage))
    assert {"customer", "order", "cart"} <= {one.entity for one in started.spec.records.entities}
    done = await over(stage, started.name)

    assert done.state == pb.Rehearsal.STATE_COMPLETED, done.detail
    assert (await stage.client.resources.get(done.resources)).types["cart"] == 20


@pytest.mark.parametrize(
    ("records", "code", "reason"),
    [
        ({"domain": "domains/ecomerce"}, "NOT_FOUND", "DOMAIN_NOT_FOUND"),
        ({"entities": [{"entity": "oder", "count": 5}]}, "INVALID_ARGUMENT", "RECORD_ENTITY_UNKNOWN"),
        ({"scenario": "happy"}, "INVALID_ARGUMENT", "RECORD_SCENARIO_UNKNOWN"),
        (
            {"entities": [{"entity": "order", "count": 15_000}, {"entity": "cart", "count": 15_000}]},
            "INVALID_ARGUMENT",
            "REHEARSAL_INVALID",
        ),
    ],
    ids=["domain", "entity", "scenario", "count"],
)
async def test_records_that_cannot_be_made_are_refused_before_anything_starts(
    stage: Theatre, records: dict[str, Any], code: str, reason: str
) -> None:
    before = [one.name async for one in stage.client.rehearsals.list()]
    async with refused(code, reason):
        await stage.client.rehearsals.start(spec(stage, **records))
    assert [one.name async for one in stage.client.rehearsals.list()] == before
