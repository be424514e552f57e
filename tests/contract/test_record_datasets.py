"""Datasets of records: files of any number of parts with the same records, in folders, with a manifest."""

import hashlib
import io
import json
import subprocess
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from greenroom.testdata.v1 import record_dataset_pb2 as pb
from greenroom.testdata.v1 import record_pb2
from tests.datasets import names_in, written
from tests.datasets import short_spec as calls_spec
from tests.disks import small_disk
from tests.record_datasets import BOXES, State, over, record_dataset_spec, whole
from tests.scripted import refused
from tests.suite import TestdataSuite
from tests.suite import testdata_suite as serving


@pytest.fixture(scope="module")
async def greenroom(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestdataSuite]:
    """A test data service."""
    async with serving("sqlite", tmp_path_factory.mktemp("records")) as running:
        yield running


async def made(greenroom: TestdataSuite, spec: pb.RecordDatasetSpec) -> pb.RecordDataset:
    started = await greenroom.client.record_datasets.start(spec)
    done = await over(greenroom.client, started.name)
    assert done.state == State.STATE_COMPLETED, done.detail
    return done


async def test_any_number_of_shards_has_the_bytes_of_the_stream_and_a_manifest_with_their_digests(
    greenroom: TestdataSuite,
) -> None:
    counts = {"box": 2_000, "piece": 120_000}
    for form in (record_pb2.RECORD_FORMAT_JSONL, record_pb2.RECORD_FORMAT_PARQUET):
        spec = record_dataset_spec(counts, format=form)
        streamed: dict[str, bytes] = {}
        checks: Sequence[Any] = ()
        async for message in greenroom.client.records.stream(spec.records, form):
            streamed[message.entity] = streamed.get(message.entity, b"") + message.data
            checks = message.checks
        for shards in (1, 2, 7):
            spec.shard_count = shards
            done = await made(greenroom, spec)
            assert (done.part_count, done.parts_done) == (shards, shards)
            assert done.record_count == done.records_done == 122_000
            assert list(done.checks) == list(checks)
            for entity, rows in counts.items():
                files = [data for name, data in sorted(whole(done).items()) if name.startswith(entity)]
                assert len(files) == shards
                if form == record_pb2.RECORD_FORMAT_JSONL:
                    assert b"".join(files) == streamed[entity]
                else:
                    tables = [pq.read_table(io.BytesIO(file)) for file in files]
                    assert sum(table.num_rows for table in tables) == rows
                    assert [row for table in tables for row in table["id"].to_pylist()] == (
                        pq.read_table(io.BytesIO(streamed[entity]))["id"].to_pylist()
                    )
                    assert shards > 1 or files == [streamed[entity]]
            manifest = json.loads((Path(done.location) / "manifest.json").read_bytes())
            assert sum(one["byte_count"] for one in manifest["files"]) == done.byte_count
            for one in manifest["files"]:
                data = whole(done)[one["file"]]
                assert (len(data), hashlib.sha256(data).hexdigest()) == (one["byte_count"], one["sha256"])


async def test_which_records_have_edge_cases_is_in_files_of_labels_for_any_number_of_shards(
    greenroom: TestdataSuite,
) -> None:
    spec = record_dataset_spec({"box": 500, "piece": 40_000})
    spec.records.include_edge_cases = True
    streamed: dict[tuple[str, int], set[tuple[str, str]]] = {}
    async for message in greenroom.client.records.stream(spec.records, record_pb2.RECORD_FORMAT_JSONL):
        for edge in message.edges:
            for record in edge.records:
                streamed.setdefault((message.entity, record), set()).add((edge.field, edge.edge_case))
    labels: list[dict[str, list[dict[str, Any]]]] = []
    for shards in (1, 2):
        spec.shard_count = shards
        done = await made(greenroom, spec)
        files = whole(done)
        told: dict[str, list[dict[str, Any]]] = {}
        for name, data in sorted(files.items()):
            if name.endswith(".edges.jsonl"):
                told.setdefault(name.partition("-")[0], []).extend(map(json.loads, data.splitlines()))
        manifest = json.loads(files["manifest.json"])
        assert {one["file"] for one in manifest["files"]} == {*files} - {"manifest.json"}
        labels.append(told)

    assert labels[0] == labels[1]
    assert {
        (entity, line["record"]): {(edge["field"], edge["edge_case"]) for edge in line["edges"]}
        for entity, lines in labels[0].items()
        for line in lines
    } == streamed
    assert len({record for entity, record in streamed if entity == "piece"}) > 1_000


async def test_every_format_of_files_is_written_and_rows_are_refused(greenroom: TestdataSuite) -> None:
    for form, ending in (("JSON", "json"), ("CSV", "csv"), ("SQL", "sql"), ("ARROW_IPC", "arrows")):
        number = record_pb2.RecordFormat.Value(f"RECORD_FORMAT_{form}")
        done = await made(greenroom, record_dataset_spec({"piece": 10}, format=number))
        assert names_in(Path(done.location)) == ["manifest.json", f"piece-00000.{ending}"]
    async with refused("INVALID_ARGUMENT", "RECORD_FORMAT_NOT_IN_FILES"):
        rows = record_dataset_spec({"piece": 10}, format=record_pb2.RECORD_FORMAT_ROWS)
        await greenroom.client.record_datasets.start(rows)


@pytest.mark.parametrize("url", ["sqlite", "postgresql"])
async def test_a_place_belongs_to_one_dataset_of_records_or_of_calls(
    url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if url == "postgresql":
        url = request.getfixturevalue("postgres").create_database()
    async with serving(url, tmp_path) as greenroom:
        await _one_dataset_a_place(greenroom)


async def _one_dataset_a_place(greenroom: TestdataSuite) -> None:
    datasets = greenroom.client.record_datasets
    started = await datasets.start(record_dataset_spec({"piece": 1}, destination="mine/one"))
    async with refused("ALREADY_EXISTS", "DESTINATION_TAKEN"):
        await greenroom.client.traces.datasets.start(calls_spec(3, destination="mine/one"))
    await written(greenroom.client, calls_spec(3, destination="mine/two"))
    async with refused("ALREADY_EXISTS", "DESTINATION_TAKEN"):
        await datasets.start(record_dataset_spec({"piece": 1}, destination="mine/two"))
    async with refused("INVALID_ARGUMENT", "DESTINATION_INVALID"):
        await datasets.start(record_dataset_spec({"piece": 1}, destination="../mine"))
    async with refused("INVALID_ARGUMENT", "RECORD_ENTITY_UNKNOWN"):
        await datasets.start(record_dataset_spec({"peace": 1}))
    assert started.name in [one.name async for one in datasets.list()]
    await over(greenroom.client, started.name)
    await datasets.delete(started.name)
    async with refused("NOT_FOUND", "DATASET_NOT_FOUND"):
        await datasets.get(started.name)
    assert (Path(started.location) / "manifest.json").exists()


async def test_a_dataset_that_finds_no_room_keeps_whole_parts_only_and_goes_on_after_a_retry(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    with small_disk(disk, "2m"):
        async with serving("sqlite", tmp_path, output_root=disk) as greenroom:
            datasets = greenroom.client.record_datasets
            spec = record_dataset_spec({"piece": 120_000}, shard_count=2, format=record_pb2.RECORD_FORMAT_JSONL)
            started = await datasets.start(spec)
            failed = await over(greenroom.client, started.name)
            assert (failed.state, failed.reason) == (State.STATE_FAILED, "DESTINATION_FULL")
            assert failed.detail.startswith(f"There is no room for {started.location}: No space left on device; ")
            assert failed.detail.endswith("Make room, then retry.")
            files = [
                f"{entity}-0000{index}.parquet" for entity in ("box", "piece") for index in range(failed.parts_done)
            ]
            assert names_in(Path(started.location)) == files
            few = record_dataset_spec({"piece": 5}).records
            other = await greenroom.client.records.generate(few)
            assert other.entities

            subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)  # noqa: ASYNC221 - it is short
            await datasets.retry(started.name)
            done = await over(greenroom.client, started.name)
            assert done.state == State.STATE_COMPLETED
            assert whole(done) == whole(await made(greenroom, spec))


async def test_a_cancelled_dataset_stops_and_one_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    async with serving("sqlite", tmp_path, output_root=Path("/proc/self/output")) as greenroom:
        started = await greenroom.client.record_datasets.start(record_dataset_spec({"piece": 1}))
        failed = await over(greenroom.client, started.name)
        assert (failed.state, failed.reason) == (State.STATE_FAILED, "DESTINATION_UNWRITABLE")
    async with serving("sqlite", tmp_path) as greenroom:
        datasets = greenroom.client.record_datasets
        started = await datasets.start(record_dataset_spec({"piece": 10_000_000}))
        assert started.part_count > 7
        await datasets.cancel(started.name)
        done = await over(greenroom.client, started.name)
        assert done.state == State.STATE_CANCELLED
        assert done.parts_done < done.part_count
        assert BOXES not in started.spec.SerializeToString()
