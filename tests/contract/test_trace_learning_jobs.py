"""Learning over gRPC from datasets and files on the server, by jobs: watched, cancelled, killed and restarted."""

import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from greenroom.client import Client, connect
from greenroom.testdata.v1 import trace_dataset_pb2
from greenroom.testdata.v1 import trace_learning_pb2 as pb
from tests.datasets import dataset_spec, written
from tests.learnings import ECOMMERCE, EVENT_LOG, EXPORTS, JSONL, SMALL, Stand, over
from tests.minio import minio
from tests.processes import PATIENCE, service
from tests.scripted import refused
from tests.suite import testdata_suite as served


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def stand(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stand]:
    url = "sqlite" if request.param == "sqlite" else request.getfixturevalue("postgres").create_database()
    data, logs = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("logs")
    async with served(url, data, input_roots=(logs,)) as suite:
        yield Stand(suite, logs, data)


async def test_a_dataset_is_learned_by_a_job_that_can_be_watched_and_exported(stand: Stand) -> None:
    traces = stand.client.traces
    dataset = await written(stand.client, dataset_spec(users=5_000))

    started = await traces.learnings.start(pb.LearningSpec(dataset=dataset.name, workflow_name="again"))
    learning = await stand.over(started)

    assert learning.state == pb.Learning.STATE_COMPLETED
    assert learning.learned.spec.name == "again"
    retries = sum(one.count for one in learning.learned.skipped if one.reason == "RETRY")
    assert learning.learned.call_count + retries == dataset.call_count
    assert learning.learned.session_count == dataset.session_count
    assert learning.bytes_done == learning.byte_count == dataset.byte_count
    assert (await traces.compare(ECOMMERCE.name, learning.name)).certificate.recovered


async def test_a_dataset_in_a_bucket_is_learned_as_one_in_a_folder(tmp_path: Path) -> None:
    async with (
        minio(tmp_path / "drive", "traces") as bucket,
        served("sqlite", tmp_path / "data", **bucket.settings("traces")) as running,
    ):
        traces, learned = running.client.traces, []
        for destination in ("s3://traces/may", ""):
            dataset = await written(running.client, dataset_spec(users=300, destination=destination))
            learned.append(
                await over(running.client, await traces.learnings.start(pb.LearningSpec(dataset=dataset.name)))
            )

    there, here = learned
    assert there.state == pb.Learning.STATE_COMPLETED, there.detail
    assert there.learned == here.learned
    assert sorted(one.name for one in (tmp_path / "data" / "learnings").glob("*/*")) == sorted([*EXPORTS, *EXPORTS])


async def test_a_dataset_whose_files_are_gone_is_learned_by_a_retry_once_they_are_back(stand: Stand) -> None:
    learnings = stand.client.traces.learnings
    dataset = await written(stand.client, dataset_spec())
    part = Path(dataset.location) / "part-00000.parquet"
    gone = part.rename(part.with_name("elsewhere"))

    failed = await stand.over(await learnings.start(pb.LearningSpec(dataset=dataset.name)))
    assert (failed.state, failed.reason) == (pb.Learning.STATE_FAILED, "DATASET_NOT_LEARNABLE")
    assert dataset.location in failed.detail

    gone.rename(part)
    done = await stand.over(await learnings.retry(failed.name))
    assert (done.state, done.reason, done.detail) == (pb.Learning.STATE_COMPLETED, "", "")
    assert (await learnings.retry(done.name)).state == pb.Learning.STATE_COMPLETED


async def test_a_dataset_that_is_not_there_or_not_to_be_read_cannot_be_learned_from(stand: Stand) -> None:
    traces = stand.client.traces
    dataset = await written(stand.client, dataset_spec(format=trace_dataset_pb2.DatasetSpec.FORMAT_OTLP))

    async with refused("FAILED_PRECONDITION", "DATASET_NOT_LEARNABLE"):
        await traces.learnings.start(pb.LearningSpec(dataset=dataset.name))
    async with refused("NOT_FOUND", "DATASET_NOT_FOUND"):
        await traces.learnings.start(pb.LearningSpec(dataset="datasets/none"))
    async with refused("INVALID_ARGUMENT", "FORMAT_MISSING"):
        await traces.learnings.start(pb.LearningSpec(dataset=dataset.name, format=JSONL))


async def test_a_file_and_a_folder_below_the_input_root_are_learned_from(stand: Stand) -> None:
    folder = stand.logs / "two"
    folder.mkdir(exist_ok=True)
    header, *rows = SMALL.splitlines(keepends=True)
    (folder / "a.csv").write_text(header + "".join(rows[:2]))
    (folder / "b.csv.gz").write_bytes(gzip.compress((header + "".join(rows[2:])).encode()))
    (folder / ".hidden").write_text("not read")
    (folder / "older").mkdir(exist_ok=True)

    of_file = await stand.over(await stand.start("two/a.csv"))
    of_folder = await stand.over(await stand.start("two"))

    assert of_file.learned.session_count == 1
    assert of_folder.learned.session_count == 3
    assert of_folder.byte_count == sum(one.stat().st_size for one in folder.glob("*.csv*"))
    [unread] = of_folder.learned.skipped
    assert (unread.reason, unread.count, unread.first_row) == ("FILE_LEFT_OUT", 1, 0)
    assert "'older'" in unread.description


@pytest.mark.parametrize("path", ["to-inner/a.csv", "to-inner", "to-a.csv"])
async def test_a_link_that_stays_below_the_input_root_is_followed(stand: Stand, path: str) -> None:
    if not (inner := stand.logs / "inner").exists():
        inner.mkdir()
        (inner / "a.csv").write_text(SMALL)
        (stand.logs / "to-inner").symlink_to("inner")
        (stand.logs / "to-a.csv").symlink_to("to-inner/a.csv")

    assert (await stand.over(await stand.start(path))).learned.session_count == 3


@pytest.mark.parametrize("path", ["../secret.csv", "/etc/passwd", "two/../../x", "leads-out"])
async def test_no_path_leads_out_of_the_input_roots(stand: Stand, path: str) -> None:
    link = stand.logs / "leads-out"
    if not link.is_symlink():
        link.symlink_to("/etc/passwd")
    async with refused("INVALID_ARGUMENT", "INPUT_NOT_ALLOWED") as errors:
        await stand.start(path)
    assert errors[0].violations[0].field == "spec.path"


async def test_a_path_that_is_not_there_or_has_no_format_is_refused(stand: Stand) -> None:
    async with refused("NOT_FOUND", "INPUT_NOT_FOUND"):
        await stand.start("missing.csv")
    async with refused("INVALID_ARGUMENT", "FORMAT_MISSING"):
        await stand.client.traces.learnings.start(pb.LearningSpec(path="missing.csv"))


async def test_a_log_that_cannot_be_learned_fails_its_job_and_says_why(stand: Stand) -> None:
    (stand.logs / "rubbish.csv").write_bytes(b"case_id,activity\n1,login\n")

    failed = await stand.over(await stand.start("rubbish.csv"))

    assert (failed.state, failed.reason) == (pb.Learning.STATE_FAILED, "LOG_COLUMN_MISSING")
    assert "rubbish.csv" in failed.detail
    assert "'timestamp'" in failed.detail
    async with refused("FAILED_PRECONDITION", "LEARNING_NOT_COMPLETED"):
        await stand.client.traces.compare(ECOMMERCE.name, failed.name)


async def test_the_same_request_sent_again_starts_nothing_new(stand: Stand) -> None:
    (stand.logs / "small.csv").write_text(SMALL)
    spec = pb.LearningSpec(path="small.csv", format=EVENT_LOG)
    learnings = stand.client.traces.learnings

    first = await learnings.start(spec, request_id="once")
    again = await learnings.start(spec, request_id="once")

    assert first.name == again.name
    async with refused("ALREADY_EXISTS", "REQUEST_ID_REUSED"):
        await learnings.start(pb.LearningSpec(path="small.csv", format=JSONL), request_id="once")


def long_log(path: Path, lines: int = 1_000_000) -> None:
    """A log that takes seconds to read."""
    row = json.dumps({"session": 1, "endpoint": "browse", "timestamp": 1_767_571_200_000}) + "\n"
    path.write_text(row * lines)


async def test_a_running_learning_is_cancelled_and_only_then_deleted(stand: Stand) -> None:
    long_log(stand.logs / "long.jsonl")
    learnings = stand.client.traces.learnings
    started = await stand.start("long.jsonl", JSONL)
    progress = [one async for one in until_read(stand.client, started)]

    async with refused("FAILED_PRECONDITION", "LEARNING_NOT_OVER"):
        await learnings.delete(started.name)
    await learnings.cancel(started.name)
    over = await stand.over(started)

    assert progress[-1].call_count > 0
    assert over.state == pb.Learning.STATE_CANCELLED
    assert (await learnings.cancel(started.name)).state == pb.Learning.STATE_CANCELLED
    async with refused("FAILED_PRECONDITION", "LEARNING_NOT_RETRIABLE"):
        await learnings.retry(started.name)
    await learnings.delete(started.name)
    async with refused("NOT_FOUND", "LEARNING_NOT_FOUND"):
        await learnings.get(started.name)
    (stand.logs / "long.jsonl").unlink()


async def test_a_learning_whose_server_is_killed_begins_again_and_completes(tmp_path: Path) -> None:
    long_log(tmp_path / "long.jsonl", 300_000)
    environment = {"GREENROOM_DATA_DIR": str(tmp_path / "data"), "GREENROOM_INPUT_ROOTS": json.dumps([str(tmp_path)])}
    async with service("services.testdata", environment) as killed, connect(killed.address, timeout=PATIENCE) as client:
        learnings = client.traces.learnings
        started = await learnings.start(pb.LearningSpec(path="long.jsonl", format=JSONL))
        async for _ in until_read(client, started):
            pass
        killed.kill()
        await killed.died()
    async with (
        service("services.testdata", environment) as process,
        connect(process.address, timeout=PATIENCE) as client,
    ):
        watched = client.traces.learnings.watch(started.name)
        progress = [one async for one in watched]

    assert watched.summary is not None
    assert watched.summary.state == pb.Learning.STATE_COMPLETED
    assert watched.summary.learned.call_count == 300_000
    assert [one.bytes_done for one in progress].count(0) == 2, "it began twice"


async def until_read(client: Client, learning: pb.Learning) -> AsyncIterator[pb.LearningProgress]:
    """The learning's progress messages, up to the first with rows read."""
    async for one in client.traces.learnings.watch(learning.name):
        yield one
        if one.call_count:
            return
