"""Datasets over real gRPC: started, written, found, watched, deleted; refused for a bad destination."""

import json
from hashlib import sha256

import pytest

from greenroom.testdata.v1 import trace_dataset_pb2 as pb
from greenroom.testdata.v1.trace_call_pb2 import SessionRange
from greenroom.testdata.v1.trace_workflow_pb2 import WorkflowSource
from services.testdata.traces.digest import digest, read_canonical
from services.testdata.traces.formats import Format
from services.testdata.traces.generation import ALGORITHM, compile_chain
from services.testdata.traces.parameters import Parameters
from services.testdata.traces.schema import NAMES
from services.testdata.workflows.builtin import built_in
from shared.ids import new_id
from tests.datasets import State, dataset_spec, files, over, short_spec, written
from tests.scripted import refused
from tests.suite import TestdataSuite
from tests.traces import small
from tests.unit.testdata.decoding import DECODERS, Row, rows_of, same
from tests.unit.testdata.oracles import generation as oracle

ECOMMERCE = built_in()["workflows/ecommerce"].workflow
FORMATS = {
    Format.PARQUET: pb.DatasetSpec.FORMAT_PARQUET,
    Format.JSONL: pb.DatasetSpec.FORMAT_JSONL,
    Format.CSV: pb.DatasetSpec.FORMAT_CSV,
    Format.OTLP: pb.DatasetSpec.FORMAT_OTLP,
}


def generated(first: int, count: int, parameters: Parameters) -> list[Row]:
    """The calls that the e-commerce workflow should have, generated directly."""
    chain = compile_chain(ECOMMERCE, parameters)
    return rows_of(chain, oracle.generate(chain, first, count))


@pytest.mark.parametrize("form", FORMATS)
async def test_a_dataset_holds_what_is_generated(traces: TestdataSuite, form: Format) -> None:
    spec = dataset_spec(users=300, format=FORMATS[form])
    spec.parameters.seed = 7

    done = await written(traces.client, spec)

    found = DECODERS[form](files(done)[f"part-00000.{form.lower()}"])
    assert same(found, generated(1, done.session_count, Parameters(users=300, seed=7)))
    assert done.call_count == len(found)


async def test_a_dataset_of_a_range_holds_these_sessions_of_the_whole(traces: TestdataSuite) -> None:
    done = await written(traces.client, dataset_spec(users=300, sessions=SessionRange(first=101, count=50)))

    found = DECODERS[Format.PARQUET](files(done)["part-00000.parquet"])
    assert same(found, generated(101, 50, Parameters(users=300)))
    assert (done.session_count, done.sessions_done) == (50, 50)


async def test_a_manifest_says_what_the_files_are_a_function_of_and_what_they_hold(traces: TestdataSuite) -> None:
    spec = short_spec(2**20 + 1_000, format=pb.DatasetSpec.FORMAT_CSV)
    spec.parameters.seed = -5
    done = await written(traces.client, spec)

    content = files(done)
    manifest = json.loads(content.pop("manifest.json"))

    truth = read_canonical(json.dumps(manifest["workflow"]).encode())
    assert digest(truth) == manifest["workflow_digest"] == done.workflow_digest
    assert (manifest["algorithm"], manifest["seed"], manifest["format"]) == (ALGORITHM, -5, "csv")
    assert manifest["columns"] == list(NAMES)
    assert manifest["parameters"]["users"] == 2**20 + 1_000
    assert (manifest["first_session"], manifest["session_count"]) == (1, 2**20 + 1_000)
    assert [one["session_count"] for one in manifest["files"]] == [2**20, 1_000]
    for listed in manifest["files"]:
        data = content.pop(listed["file"])
        assert (listed["byte_count"], listed["sha256"]) == (len(data), sha256(data).hexdigest())
        assert listed["call_count"] == data.count(b"\n") - 1
    assert not content
    assert manifest["call_count"] == sum(one["call_count"] for one in manifest["files"]) == done.call_count
    assert manifest["byte_count"] == sum(one["byte_count"] for one in manifest["files"]) == done.byte_count


async def test_two_datasets_of_one_spec_are_the_same_in_every_byte(traces: TestdataSuite) -> None:
    one, other = [await written(traces.client, dataset_spec()) for _ in range(2)]

    assert files(one) == files(other)
    assert one.location != other.location


async def test_a_dataset_keeps_its_workflow_and_every_default(traces: TestdataSuite) -> None:
    datasets, workflows = traces.client.traces.datasets, traces.client.traces.workflows
    workflow = (await workflows.create(small("kept"))).name
    started = await datasets.start(pb.DatasetSpec(workflow=WorkflowSource(name=workflow)))
    await workflows.delete(workflow)

    done = await over(traces.client, started.name)

    assert done == await datasets.get(started.name)
    spec = done.spec
    assert set(spec.workflow.spec.avg_response_times) == {"login", "browse", "logout"}
    assert (spec.parameters.users, spec.parameters.sessions_per_user.mean, spec.parameters.cascade_rate) == (
        1000,
        3,
        0.1,
    )
    assert (spec.parameters.start_time.seconds, len(spec.parameters.user_types)) == (1_767_571_200, 3)
    assert (spec.sessions.first, spec.sessions.count) == (1, done.session_count)
    assert (spec.format, spec.destination) == (pb.DatasetSpec.FORMAT_PARQUET, started.name)
    assert (done.part_count, done.parts_done, done.algorithm, done.creator) == (1, 1, ALGORITHM, "developer")
    assert done.create_time.seconds <= done.end_time.seconds


async def test_datasets_are_listed_newest_first_by_state_and_without_chains(traces: TestdataSuite) -> None:
    started = [await traces.client.traces.datasets.start(dataset_spec(users=10)) for _ in range(3)]
    for one in started:
        await over(traces.client, one.name)

    listed = [one async for one in traces.client.traces.datasets.list(state=State.STATE_COMPLETED)]

    assert [one.name for one in listed][:3] == [one.name for one in reversed(started)]
    assert all(not one.spec.workflow.spec.transitions for one in listed)
    assert listed[0].spec.workflow.spec.name == "ecommerce"
    failed = [one.name async for one in traces.client.traces.datasets.list(state=State.STATE_FAILED)]
    assert not {one.name for one in started} & set(failed)


async def test_the_same_request_starts_one_dataset(traces: TestdataSuite) -> None:
    datasets, request = traces.client.traces.datasets, new_id()
    spec = dataset_spec(destination=f"once/{request}")

    first = await datasets.start(spec, request_id=request)
    await over(traces.client, first.name)
    again = await datasets.start(spec, request_id=request)

    assert again.name == first.name
    async with refused("ALREADY_EXISTS", "REQUEST_ID_REUSED"):
        await datasets.start(dataset_spec(users=7), request_id=request)
    await datasets.delete(first.name)
    async with refused("FAILED_PRECONDITION", "REQUEST_RESULT_DELETED"):
        await datasets.start(spec, request_id=request)


async def test_a_watch_has_every_part_once_from_any_cursor(traces: TestdataSuite) -> None:
    datasets = traces.client.traces.datasets
    started = await datasets.start(short_spec(2 * 2**20 + 5))
    async with datasets.watch(started.name) as watch:
        first = await anext(watch)
        cursor = watch.cursor
    async with datasets.watch(started.name, cursor=cursor) as watch:
        rest = [part async for part in watch]
    async with datasets.watch(started.name) as late:
        all_parts = [part async for part in late]

    assert late.summary is not None
    assert all_parts == [first, *rest]
    assert [(part.index, part.file) for part in all_parts] == [(i, f"part-0000{i}.parquet") for i in range(3)]
    assert watch.summary == late.summary == await datasets.get(started.name)
    assert [part.session_count for part in all_parts] == [2**20, 2**20, 5]
    assert sum(part.call_count for part in all_parts) == late.summary.call_count
    async with datasets.watch(started.name, cursor=late.cursor) as after_the_end:
        assert [part async for part in after_the_end] == []
        assert after_the_end.summary == late.summary


async def test_a_cancelled_dataset_stops_in_the_middle_of_a_part(traces: TestdataSuite) -> None:
    datasets = traces.client.traces.datasets
    started = await datasets.start(short_spec(20 * 2**20))
    async with datasets.watch(started.name) as watch:
        await anext(watch)
        await datasets.cancel(started.name)
        parts = 1 + len([part async for part in watch])

    assert watch.summary is not None
    assert watch.summary.state == State.STATE_CANCELLED
    assert parts == watch.summary.parts_done < 5
    assert {f"part-{i:05}.parquet" for i in range(parts)} <= set(files(started))
    assert not [name for name in files(started) if name.startswith(".") or name == "manifest.json"]
    assert (await datasets.cancel(started.name)).state == State.STATE_CANCELLED
    async with refused("FAILED_PRECONDITION", "DATASET_NOT_RETRIABLE"):
        await datasets.retry(started.name)


async def test_a_completed_dataset_cannot_be_cancelled_and_is_not_retried(traces: TestdataSuite) -> None:
    done = await written(traces.client, dataset_spec(users=10))

    async with refused("FAILED_PRECONDITION", "DATASET_OVER"):
        await traces.client.traces.datasets.cancel(done.name)
    assert await traces.client.traces.datasets.retry(done.name) == done


async def test_a_deleted_dataset_is_forgotten_and_its_files_are_left(traces: TestdataSuite) -> None:
    datasets = traces.client.traces.datasets
    started = await datasets.start(short_spec(20 * 2**20, destination="left/here"))
    async with refused("FAILED_PRECONDITION", "DATASET_NOT_OVER"):
        await datasets.delete(started.name)
    async with refused("ALREADY_EXISTS", "DESTINATION_TAKEN"):
        await datasets.start(dataset_spec(destination="left/here"))
    async with datasets.watch(started.name) as watch:
        await anext(watch)
    await datasets.cancel(started.name)
    await over(traces.client, started.name)
    left = set(files(started))

    await datasets.delete(started.name)

    assert left
    assert set(files(started)) == left
    for call in (datasets.get, datasets.cancel, datasets.retry, datasets.delete):
        async with refused("NOT_FOUND", "DATASET_NOT_FOUND"):
            await call(started.name)
    async with refused("FAILED_PRECONDITION", "DESTINATION_NOT_EMPTY"):
        await datasets.start(dataset_spec(destination="left/here"))
