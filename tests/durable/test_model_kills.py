"""SIGKILL while a model in another process answers: only answers to calls in flight are paid for twice."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from greenroom.synthesizer.v1 import batch_pb2, conversation_pb2
from tests import model_stub
from tests.durable.model_kills import IN_FLIGHT, ModelServer, kill, live_until, model_server, settings, start
from tests.durable.synthesizers import Store, synthesizer
from tests.rehearsals import over, rows

TOKENS = model_stub.USAGE[0]


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with model_server() as running:
        yield running


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.soak)])
async def test_no_more_calls_are_repeated_than_were_in_flight_at_the_kills(
    kills: int, store: Store, server: ModelServer, tmp_path: Path
) -> None:
    batch = await start(store, server, tmp_path, 10 * kills, IN_FLIGHT)

    repeated = (await kill(kills, store, batch, server)).repeated

    assert max(repeated) <= IN_FLIGHT
    async with synthesizer(store, **settings(server)) as (_, client):
        done = await over(client, batch)
        await server.read()
        assert done.counts.completed == 10 * kills
        assert server.repeated <= kills * IN_FLIGHT
        assert done.usage.input_tokens == len(set(server.asked)) * TOKENS

        asked = len(server.asked)
        again = batch_pb2.BatchSpec()
        again.CopyFrom(done.spec)
        again.conversation.recording = conversation_pb2.RECORDING_MODE_REPLAY
        replayed = await over(client, (await client.batches.start(again)).name)
        await server.read()
        assert await rows(client, replayed.name) == await rows(client, batch)
        assert len(server.asked) == asked


async def test_an_answer_whose_event_was_not_stored_is_not_paid_for_again(
    store: Store, server: ModelServer, tmp_path: Path
) -> None:
    batch = await start(store, server, tmp_path, 3, 1)

    for _ in range(2):
        await live_until("record:3", store, batch, server)
    async with synthesizer(store, **settings(server)) as (_, client):
        assert (await over(client, batch)).counts.completed == 3

    await server.read()
    assert server.repeated == 0
