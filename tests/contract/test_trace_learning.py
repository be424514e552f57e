"""Learning over gRPC: at once from bytes, as jobs from datasets and places, watched, cancelled, exported, deleted."""

import gzip
import json
import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import grpc
import jwt
import pyarrow.parquet as pq
import pytest
from pydantic import SecretStr

from greenroom.client import Client, connect
from greenroom.testdata.v1 import trace_dataset_pb2, trace_pb2_grpc, trace_workflow_pb2
from greenroom.testdata.v1 import trace_learning_pb2 as pb
from greenroom.testdata.v1.trace_call_pb2 import StreamCallsRequest, TraceParameters
from tests.datasets import dataset_spec, written
from tests.minio import minio
from tests.processes import service
from tests.scripted import refused
from tests.suite import TestdataSuite
from tests.suite import testdata_suite as served
from tests.unit.rpc.echo import failure

ECOMMERCE = trace_workflow_pb2.WorkflowSource(name="workflows/ecommerce")
EVENT_LOG = pb.LogFormat(kind=pb.LogFormat.KIND_EVENT_LOG)
EXPORTS = ("transitions.parquet", "ngrams.parquet", "session_features.parquet")
JSONL = pb.LogFormat(kind=pb.LogFormat.KIND_JSONL)
SMALL = """case_id,activity,timestamp
1,login,2026-01-05T10:00:00Z
1,browse,2026-01-05T10:01:00Z
2,login,2026-01-05T11:00:00Z
2,logout,2026-01-05T11:05:00Z
3,browse,2026-01-05T12:00:00Z
"""


@dataclass
class Stand:
    """A test data service that may read logs in a folder."""

    suite: TestdataSuite
    logs: Path
    data: Path

    @property
    def client(self) -> Client:
        return self.suite.client

    async def learn(self, content: str | bytes, log_format: pb.LogFormat, name: str = "") -> pb.LearnWorkflowResponse:
        """What is learned from a log that is sent."""
        path = self.data / "sent.log"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return await self.client.traces.learnings.learn_file(path, log_format, workflow_name=name)

    async def start(self, path: str, log_format: pb.LogFormat = EVENT_LOG) -> pb.Learning:
        """A learning of a log in the folder."""
        return await self.client.traces.learnings.start(pb.LearningSpec(path=path, format=log_format))

    async def over(self, learning: pb.Learning) -> pb.Learning:
        """The learning as it ended."""
        return await over(self.client, learning)


async def over(client: Client, learning: pb.Learning) -> pb.Learning:
    """The learning as it ended."""
    async with client.traces.learnings.watch(learning.name) as watched:
        async for _ in watched:
            pass
    assert watched.summary is not None
    return watched.summary


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def stand(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stand]:
    url = "sqlite" if request.param == "sqlite" else request.getfixturevalue("postgres").create_database()
    data, logs = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("logs")
    async with served(url, data, input_roots=(logs,)) as suite:
        yield Stand(suite, logs, data)


def edges(learned: pb.LearnedWorkflow) -> Mapping[tuple[str, str], int]:
    return {(getattr(edge, "from"), edge.to): edge.count for edge in learned.edges}


async def test_a_log_that_is_sent_is_learned_at_once_with_counts_and_intervals(stand: Stand) -> None:
    found = await stand.learn(SMALL, EVENT_LOG)

    learned = found.learning.learned
    assert found.learning.state == pb.Learning.STATE_COMPLETED
    assert not found.learning.HasField("spec")
    assert (learned.session_count, learned.call_count) == (3, 5)
    assert edges(learned) == {
        ("", "login"): 2,
        ("", "browse"): 1,
        ("login", "browse"): 1,
        ("login", "logout"): 1,
        ("browse", ""): 2,
        ("logout", ""): 1,
    }
    entry = next(edge for edge in learned.edges if edge.to == "login")
    assert entry.probability == pytest.approx(2 / 3)
    assert entry.low == pytest.approx(0.2077, abs=1e-4)
    assert entry.high == pytest.approx(0.9385, abs=1e-4)
    assert found.yaml.startswith("name: learned\n")


async def test_what_was_learned_can_be_kept_and_generated_from_as_it_is(stand: Stand) -> None:
    found = await stand.learn(SMALL, EVENT_LOG, name=f"kept-{stand.data.name}")
    traces = stand.client.traces

    kept = await traces.workflows.create(trace_workflow_pb2.WorkflowSource(yaml=found.yaml))
    same = await traces.workflows.create(
        trace_workflow_pb2.WorkflowSource(spec=found.learning.learned.spec), name=f"other-{stand.data.name}"
    )
    session = await traces.session(kept.name, TraceParameters(users=3))

    assert kept.spec.entry_points == same.spec.entry_points
    assert session


async def test_a_learning_that_was_sent_is_there_afterwards_and_can_be_watched_to_its_end(stand: Stand) -> None:
    sent = (await stand.learn(SMALL, EVENT_LOG)).learning

    assert (await stand.client.traces.learnings.get(sent.name)).learning == sent
    assert await stand.over(sent) == sent


@pytest.mark.parametrize("kind", ["CSV", "JSONL"])
async def test_calls_that_are_streamed_are_learned_back_and_the_certificate_says_so(stand: Stand, kind: str) -> None:
    traces = stand.client.traces
    parameters = TraceParameters(users=3_000, seed=11)
    streamed = traces.stream(ECOMMERCE.name, parameters, format=StreamCallsRequest.Format.Value(f"FORMAT_{kind}"))
    content = b"".join([one.data async for one in streamed])

    found = await stand.learn(gzip.compress(content), pb.LogFormat(kind=pb.LogFormat.Kind.Value(f"KIND_{kind}")))
    certificate = (await traces.compare(ECOMMERCE.name, found.learning.name)).certificate

    assert certificate.recovered, certificate.verdict
    assert 0.5 < certificate.ratio_to_bound < 1.5
    assert found.learning.learned.order_test.order_1_is_enough
    assert [one.reason for one in found.learning.learned.skipped] == ["RETRY"]
    assert found.learning.learned.fault_detection.f1 > 0.85


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


async def test_a_dataset_whose_files_are_gone_cannot_be_learned_from(stand: Stand) -> None:
    dataset = await written(stand.client, dataset_spec())
    (Path(dataset.location) / "part-00000.parquet").unlink()

    failed = await stand.over(await stand.client.traces.learnings.start(pb.LearningSpec(dataset=dataset.name)))

    assert (failed.state, failed.reason) == (pb.Learning.STATE_FAILED, "DATASET_NOT_LEARNABLE")
    assert dataset.location in failed.detail


async def test_a_dataset_that_is_not_there_or_not_to_be_read_cannot_be_learned_from(stand: Stand) -> None:
    traces = stand.client.traces
    dataset = await written(stand.client, dataset_spec(format=trace_dataset_pb2.DatasetSpec.FORMAT_OTLP))

    async with refused("FAILED_PRECONDITION", "DATASET_NOT_LEARNABLE"):
        await traces.learnings.start(pb.LearningSpec(dataset=dataset.name))
    async with refused("NOT_FOUND", "DATASET_NOT_FOUND"):
        await traces.learnings.start(pb.LearningSpec(dataset="datasets/none"))
    async with refused("INVALID_ARGUMENT", "FORMAT_MISSING"):
        await traces.learnings.start(pb.LearningSpec(dataset=dataset.name, format=JSONL))


async def test_exports_are_parquet_and_go_on_after_a_cursor(stand: Stand) -> None:
    learnings = stand.client.traces.learnings
    learning = (await stand.learn(SMALL, EVENT_LOG)).learning

    async def export(kind: pb.ExportLearningRequest.Kind.ValueType) -> list[dict[str, object]]:
        path = stand.data / "export.parquet"
        path.write_bytes(b"".join([one.chunk async for one in learnings.export(learning.name, kind)]))
        rows: list[dict[str, object]] = pq.read_table(path).to_pylist()
        return rows

    transitions = await export(pb.ExportLearningRequest.KIND_TRANSITIONS)
    ngrams = await export(pb.ExportLearningRequest.KIND_NGRAMS)
    features = await export(pb.ExportLearningRequest.KIND_SESSION_FEATURES)
    end = [one async for one in learnings.export(learning.name, pb.ExportLearningRequest.KIND_NGRAMS)][-1].cursor

    assert {(row["from"], row["to"]): row["count"] for row in transitions} == edges(learning.learned)
    assert [(row["n"], row["first"], row["second"], row["count"]) for row in ngrams] == [
        (2, "login", "browse", 1),
        (2, "login", "logout", 1),
    ]
    assert [(row["session"], row["calls"], row["duration_ms"]) for row in features] == [
        ("1", 2, 60_000.0),
        ("2", 2, 300_000.0),
        ("3", 1, 0.0),
    ]
    assert [row["count: browse"] for row in features] == [1, 0, 1]
    assert not [one async for one in learnings.export(learning.name, pb.ExportLearningRequest.KIND_NGRAMS, cursor=end)]


async def test_a_file_and_a_folder_below_the_input_root_are_learned_from(stand: Stand) -> None:
    folder = stand.logs / "two"
    folder.mkdir(exist_ok=True)
    header, *rows = SMALL.splitlines(keepends=True)
    (folder / "a.csv").write_text(header + "".join(rows[:2]))
    (folder / "b.csv.gz").write_bytes(gzip.compress((header + "".join(rows[2:])).encode()))
    (folder / ".hidden").write_text("not read")

    of_file = await stand.over(await stand.start("two/a.csv"))
    of_folder = await stand.over(await stand.start("two"))

    assert of_file.learned.session_count == 1
    assert of_folder.learned.session_count == 3
    assert of_folder.byte_count == sum(one.stat().st_size for one in folder.glob("*.csv*"))


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


async def test_a_log_that_is_sent_and_cannot_be_learned_is_refused_with_the_place_and_leaves_nothing(
    stand: Stand,
) -> None:
    before = sorted((stand.data / "learnings").iterdir())

    async with refused("INVALID_ARGUMENT", "LOG_TRUNCATED") as errors:
        await stand.learn(gzip.compress(SMALL.encode() * 2_000)[:-100], EVENT_LOG)
    async with refused("INVALID_ARGUMENT", "LOG_EMPTY"):
        await stand.learn(b"", EVENT_LOG)

    assert "sent.log" in str(errors[0])
    assert sorted((stand.data / "learnings").iterdir()) == before


async def test_a_log_begins_with_its_header_and_has_one(stand: Stand) -> None:
    header = pb.LearnWorkflowRequest(header=pb.LearnHeader(format=EVENT_LOG))
    chunk = pb.LearnWorkflowRequest(chunk=SMALL.encode())
    async with grpc.aio.insecure_channel(stand.suite.address) as channel:
        learn = trace_pb2_grpc.TraceServiceStub(channel).LearnWorkflow

        assert (await failure(learn(iter([])))).reason == "HEADER_EXPECTED"
        assert (await failure(learn(iter([chunk])))).reason == "HEADER_EXPECTED"
        assert (await failure(learn(iter([header, chunk, header])))).reason == "HEADER_REPEATED"


async def test_the_same_request_sent_again_starts_nothing_new(stand: Stand) -> None:
    (stand.logs / "small.csv").write_text(SMALL)
    spec = pb.LearningSpec(path="small.csv", format=EVENT_LOG)
    learnings = stand.client.traces.learnings

    first = await learnings.start(spec, request_id="once")
    again = await learnings.start(spec, request_id="once")

    assert first.name == again.name
    async with refused("ALREADY_EXISTS", "REQUEST_ID_REUSED"):
        await learnings.start(pb.LearningSpec(path="small.csv", format=JSONL), request_id="once")


async def test_learnings_are_listed_by_state_without_what_was_learned(stand: Stand) -> None:
    sent = (await stand.learn(SMALL, EVENT_LOG)).learning

    listed = [one async for one in stand.client.traces.learnings.list(state=pb.Learning.STATE_COMPLETED)]

    assert listed[-1].name == sent.name
    assert not any(one.HasField("learned") for one in listed)


async def test_a_learning_of_thousands_of_edges_is_answered_whole(stand: Stand) -> None:
    draws = random.Random(1)
    rows = (f"{call // 8},GET /v1/resource-{draws.randrange(2_000):04d}/{{id}},{call}\n" for call in range(13_000))

    found = await stand.learn("case_id,activity,timestamp\n" + "".join(rows), EVENT_LOG)

    assert len(found.learning.learned.edges) > 13_000
    assert await stand.client.traces.learnings.get(found.learning.name) == pb.GetLearningResponse(
        learning=found.learning, yaml=found.yaml
    )
    assert 3_000_000 < found.ByteSize() < 4 << 20


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
    await learnings.delete(started.name)
    async with refused("NOT_FOUND", "LEARNING_NOT_FOUND"):
        await learnings.get(started.name)
    (stand.logs / "long.jsonl").unlink()


async def test_a_deleted_learning_takes_its_exports_with_it(stand: Stand) -> None:
    sent = (await stand.learn(SMALL, EVENT_LOG)).learning
    folder = stand.data / "learnings" / sent.name.removeprefix("learnings/")
    assert folder.is_dir()

    async with refused("FAILED_PRECONDITION", "LEARNING_OVER"):
        await stand.client.traces.learnings.cancel(sent.name)
    await stand.client.traces.learnings.delete(sent.name)

    assert not folder.exists()


async def test_no_company_finds_anothers_learnings(tmp_path: Path) -> None:
    secret = "a-secret-of-at-least-thirty-two-bytes"
    (tmp_path / "small.csv").write_text(SMALL)

    def of(company: str) -> str:
        claims = {"company": company, "sub": "somebody", "permissions": ["traces.*"], "exp": 2**33}
        return jwt.encode(claims, secret, "HS256")

    async with (
        served("sqlite", tmp_path / "data", jwt_secret=SecretStr(secret)) as running,
        connect(running.address, token=of("acme")) as acme,
        connect(running.address, token=of("globex")) as globex,
    ):
        name = (await acme.traces.learnings.learn_file(tmp_path / "small.csv", EVENT_LOG)).learning.name
        theirs = globex.traces.learnings

        for call in (
            theirs.get(name),
            theirs.cancel(name),
            theirs.delete(name),
            globex.traces.compare(ECOMMERCE.name, name),
        ):
            async with refused("NOT_FOUND", "LEARNING_NOT_FOUND"):
                await call
        for stream in (theirs.watch(name), theirs.export(name, pb.ExportLearningRequest.KIND_NGRAMS)):
            async with refused("NOT_FOUND", "LEARNING_NOT_FOUND"):
                await anext(aiter(stream))
        assert [one.name async for one in theirs.list()] == []
        assert [one.name async for one in acme.traces.learnings.list()] == [name]


async def test_a_learning_whose_server_is_killed_begins_again_and_completes(tmp_path: Path) -> None:
    long_log(tmp_path / "long.jsonl", 300_000)
    environment = {"GREENROOM_DATA_DIR": str(tmp_path / "data"), "GREENROOM_INPUT_ROOTS": json.dumps([str(tmp_path)])}
    async with service("services.testdata", environment) as killed, connect(killed.address) as client:
        learnings = client.traces.learnings
        started = await learnings.start(pb.LearningSpec(path="long.jsonl", format=JSONL))
        async for _ in until_read(client, started):
            pass
        killed.kill()
        await killed.died()
    async with service("services.testdata", environment) as process, connect(process.address) as client:
        watched = client.traces.learnings.watch(started.name)
        progress = [one async for one in watched]

    assert watched.summary is not None
    assert watched.summary.state == pb.Learning.STATE_COMPLETED
    assert watched.summary.learned.call_count == 300_000
    assert [one.bytes_done for one in progress].count(0) == 2, "it began twice"


async def until_read(client: Client, learning: pb.Learning) -> AsyncIterator[pb.LearningProgress]:
    """The learning's progress up to the first that has read some of it."""
    async for one in client.traces.learnings.watch(learning.name):
        yield one
        if one.call_count:
            return
