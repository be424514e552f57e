"""SIGKILL of test data in mid-stream, and of the gateway while it makes the records of a rehearsal."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing

import pytest

from cli.kit import specs
from greenroom.client import Backoff, Client, GreenroomError, connect
from greenroom.gateway.v1 import generation_pb2
from greenroom.gateway.v1 import rehearsal_pb2 as pb
from greenroom.synthesizer.v1.batch_pb2 import BatchSpec
from tests.durable.houses import Houses
from tests.processes import PATIENCE
from tests.suite import EXAMPLES

SHOP = "domains/ecommerce"
CARTS = generation_pb2.GenerateTestDataRequest(domain=SHOP, entity="cart", count=100_000, seed=7)
CARTS_AT_ONCE = generation_pb2.GenerateTestDataRequest(domain=SHOP, entity="cart", count=5)


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Houses, Client]]:
    async with AsyncExitStack() as stack:
        houses = Houses(stack, tmp_path_factory.mktemp("generation-kills"))
        for name in ("enricher", "synthesizer", "testdata", "evaluator", "gateway"):
            await houses.start(name)
        patient = Backoff(attempts=600, maximum=1.0)
        async with connect(houses.address, timeout=PATIENCE, retry=patient, reconnect=patient) as client:
            await client.procedures.import_file(EXAMPLES / "procedures.jsonl")
            await client.sources.import_file(EXAMPLES / "sources.jsonl")
            yield houses, client


async def test_a_stream_has_the_same_bytes_when_test_data_is_killed_in_the_middle(
    house: tuple[Houses, Client],
) -> None:
    houses, client = house
    whole = b"".join([one.data async for one in client.test_data.stream(CARTS)])

    parts, result = list[bytes](), None
    async with aclosing(client.test_data.stream(CARTS)) as messages:
        async for message in messages:
            parts.append(message.data)
            if len(parts) in (2, 5):
                await houses.kill("testdata")
            result = message.result

    assert b"".join(parts) == whole
    assert result is not None
    assert (result.success, result.record_count) == (True, 100_000)


async def test_a_rehearsal_whose_gateway_is_killed_has_its_records_once(house: tuple[Houses, Client]) -> None:
    houses, client = house
    spec = pb.RehearsalSpec(batch=specs.read(EXAMPLES / "batch.yaml", BatchSpec()))
    spec.batch.size = 4
    spec.records.domain = SHOP
    started = await client.rehearsals.start(spec)
    for _ in range(3):
        await houses.kill("gateway")
    async with client.rehearsals.watch(started.name) as watch:
        async for _ in watch:
            pass

    assert watch.summary is not None
    assert watch.summary.state == pb.Rehearsal.STATE_COMPLETED, watch.summary.detail
    assert [one.name async for one in client.resources.list()] == [watch.summary.resources]
    assert (await client.resources.get(watch.summary.resources)).types["order"] == 20
    await client.rehearsals.delete(started.name)
    assert [one async for one in client.resources.list()] == []


async def test_a_gateway_says_at_once_which_service_was_never_there(
    tmp_path_factory: pytest.TempPathFactory, unused_tcp_port: int
) -> None:
    async with AsyncExitStack() as stack:
        houses = Houses(stack, tmp_path_factory.mktemp("alone"))
        for name in ("enricher", "gateway"):
            await houses.start(name, testdata_address=f"127.0.0.1:{unused_tcp_port}")
        async with connect(houses.address, timeout=PATIENCE, retry=Backoff(attempts=1)) as client:
            with pytest.raises(GreenroomError) as raised:
                await client.test_data.generate(CARTS_AT_ONCE)
    assert (raised.value.code, raised.value.reason) == ("UNAVAILABLE", "PEER_NEVER_THERE")
    assert "testdata" in str(raised.value)
