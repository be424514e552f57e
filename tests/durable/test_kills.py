"""SIGKILL at any moment: the next process resumes the batch after the last stored event and repeats nothing."""

import random
from collections.abc import Mapping
from itertools import cycle, islice
from pathlib import Path
from signal import SIGKILL

import pytest

from tests.durable.synthesizers import Store, kill_after, synthesizer
from tests.rehearsals import Row, batch_spec, check_undisturbed, feed, import_rehearsal, last_seqs, over, rows

LAST = {"commit": 70, "model": 70, "event": 40}
"""The latest moment of each kind: between commit and answer, inside a model call, and after a watched event."""


def moments(count: int) -> list[str]:
    """Random moments of each kind in turn."""
    draw = random.Random(3)
    return [f"{kind}:{draw.randint(1, last)}" for kind, last in islice(cycle(LAST.items()), count)]


async def live_until(moment: str, store: Store, batch: str, calls: Path) -> None:
    """Let a synthesizer run until it is killed at the moment."""
    where, _, count = moment.partition(":")
    if where != "event":
        async with synthesizer(store, KILL_AT=moment, CALLS_TO=str(calls)) as (process, _):
            assert await process.died() == -SIGKILL
        return
    # A watcher may lag behind, so the model hangs soon after. Otherwise the batch could end before the kill.
    hangs = f"model:{2 * int(count)}"
    async with synthesizer(store, HANG_AT=hangs, CALLS_TO=str(calls)) as (process, client):
        await kill_after(int(count), process, client, store, batch)
        assert await process.died() == -SIGKILL


@pytest.mark.parametrize("kills", [len(LAST), pytest.param(10, marks=pytest.mark.soak)])
async def test_a_batch_that_is_killed_again_and_again_ends_like_an_undisturbed_one(
    kills: int, store: Store, undisturbed: Mapping[int, Row], tmp_path: Path
) -> None:
    # The batch is started, but its first model call hangs, so that every kill happens in the middle of it.
    async with synthesizer(store, HANG_AT="model:1") as (_, client):
        await import_rehearsal(client, tmp_path)
        batch = (await client.batches.start(batch_spec(), create_only=True)).name
        indexes = {row.conversation: row.index async for row in client.batches.results(batch)}
        await client.batches.run(batch)

    for life, moment in enumerate(moments(kills)):
        answered = {indexes[name]: seq for name, seq in last_seqs(await feed(store.url, batch)).items()}
        calls = tmp_path / f"calls-{life}"
        await live_until(moment, store, batch, calls)
        for asked in calls.read_text().splitlines():
            index, seq = map(int, asked.split())
            assert seq > answered[index], "a model was paid again for an answer that is recorded"

    before = await feed(store.url, batch)
    async with synthesizer(store) as (_, client):
        await over(client, batch)
        found = await rows(client, batch)
    stored = await feed(store.url, batch)
    assert stored[: len(before)] == before
    assert len(before) < len(stored), "the last kill came too late"
    check_undisturbed(found, stored, undisturbed)


async def test_a_conversation_that_takes_the_server_down_twice_fails_and_is_not_resumed_for_ever(
    store: Store, tmp_path: Path
) -> None:
    async with synthesizer(store, HANG_AT="model:1") as (_, client):
        await import_rehearsal(client, tmp_path)
        batch = (await client.batches.start(batch_spec(size=1))).name
        [row] = [row async for row in client.batches.results(batch)]
        async with client.conversations.watch(row.conversation) as events:
            async for event in events:
                if event.HasField("attempt_started"):
                    break
    for _ in range(2):
        async with synthesizer(store, KILL_AT="model:1") as (process, _):
            assert await process.died() == -SIGKILL

    async with synthesizer(store) as (_, client):
        ended = await over(client, batch)
        [row] = [row async for row in client.batches.results(batch)]
        assert (ended.counts.failed, row.reason) == (1, "JOB_TOOK_SERVER_DOWN")
        assert row.detail.startswith(f"The server ended 2 times in a row while {row.conversation} ran")
        await client.batches.retry(batch)
        assert (await over(client, batch)).counts.completed == 1
