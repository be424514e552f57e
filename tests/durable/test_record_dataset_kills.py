"""After SIGKILL, a dataset of records completes with the same bytes as an undisturbed one, in any number of shards."""

from collections.abc import Mapping
from pathlib import Path
from signal import SIGKILL

from greenroom.testdata.v1.record_pb2 import RECORD_FORMAT_JSONL
from tests.durable.test_dataset_kills import begun_with, server, settings
from tests.record_datasets import BOXES, State, over, record_dataset_spec, whole

__all__ = ["settings"]
SHARDS = (1, 2, 7)


async def test_a_dataset_of_records_killed_twice_has_the_same_bytes_in_any_number_of_shards(
    settings: Mapping[str, str], tmp_path: Path
) -> None:
    # The datasets take turns, so each gets further between the kills.
    settings = {**settings, "GREENROOM_TRACE_JOBS": "1"}
    specs = {
        shards: record_dataset_spec({"box": 2_000, "piece": 120_000}, format=RECORD_FORMAT_JSONL, shard_count=shards)
        for shards in SHARDS
    }
    for spec in specs.values():
        spec.records.source.schema = "schemas/boxes"
    async with server(settings) as (process, client):
        # A stored pack need not be read again at each start.
        pack = tmp_path / "boxes.yaml"
        pack.write_bytes(BOXES)
        await client.schemas.register_file(pack, "boxes")
        undisturbed = whole(await over(client, (await client.record_datasets.start(specs[7])).name))
        started = {shards: await client.record_datasets.start(spec) for shards, spec in specs.items()}
        # Kill it while the longest part is half written; a short one may be written between two looks.
        await begun_with(Path(started[1].location), ".piece-00000")
        process.kill()
        assert await process.died() == -SIGKILL
    # Kill it when the second part of seven is written and not in the log yet.
    async with server(settings, KILL_AT="5") as (process, _):
        assert await process.died() == -SIGKILL

    async with server(settings) as (_, client):
        for shards, one in started.items():
            async with client.record_datasets.watch(one.name) as watch:
                assert [part.index async for part in watch] == list(range(shards))
            done = await over(client, one.name)
            assert (done.state, done.records_done) == (State.STATE_COMPLETED, 122_000), done.detail
            assert joined(whole(done)) == joined(undisturbed)
        assert whole(done) == undisturbed


def joined(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The records of each entity in one piece."""
    return {
        entity: b"".join(data for name, data in sorted(files.items()) if name.startswith(entity))
        for entity in ("box", "piece")
    }
