"""SIGKILL at any moment: the process that is started next goes on where the batch was, and repeats nothing."""

import random
from collections.abc import Mapping
from pathlib import Path
from signal import SIGKILL

from tests.durable.synthesizers import Store, synthesizer
from tests.rehearsals import Row, batch_spec, check_undisturbed, feed, import_rehearsal, last_seqs, over, rows


def moments(seed: int) -> list[str]:
    """Ten moments in random order: between commit and answer, inside a model call, and somewhere in between."""
    draw = random.Random(seed)
    chosen = [f"commit:{draw.randint(1, 70)}" for _ in range(4)]
    chosen += [f"model:{draw.randint(1, 70)}" for _ in range(3)]
    chosen += [f"event:{draw.randint(1, 40)}" for _ in range(3)]
    draw.shuffle(chosen)
    return chosen


async def live_until(moment: str, store: Store, batch: str, calls: Path) -> None:
    """Let a synthesizer run until it is killed at the moment."""
    where, _, count = moment.partition(":")
    if where != "event":
        async with synthesizer(store, KILL_AT=moment, CALLS_TO=str(calls)) as (process, _):
            assert await process.died() == -SIGKILL
        return
    # A reader may lag behind: the model stops answering soon after, or the batch could be over before the kill.
    hangs = f"model:{2 * int(count)}"
    async with synthesizer(store, HANG_AT=hangs, CALLS_TO=str(calls)) as (process, client):
        known = len(await feed(store.url, batch))
        async with client.batches.watch(batch) as events:
            for _ in range(known + int(count)):
                await anext(events)
        process.kill()
        assert await process.died() == -SIGKILL


async def test_a_batch_that_is_killed_ten_times_ends_as_if_nothing_had_happened(
    store: Store, undisturbed: Mapping[int, Row], tmp_path: Path
) -> None:
    # It runs, but gets nowhere yet: the ten moments are to lie within it.
    async with synthesizer(store, HANG_AT="model:1") as (_, client):
        await import_rehearsal(client, tmp_path)
        batch = (await client.batches.start(batch_spec(), create_only=True)).name
        indexes = {row.conversation: row.index async for row in client.batches.results(batch)}
        await client.batches.run(batch)

    for life, moment in enumerate(moments(seed=3)):
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
