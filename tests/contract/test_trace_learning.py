"""Learning over gRPC from an uploaded log: learned at once, stored, exported, listed, deleted."""

import gzip
import random
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pyarrow.parquet as pq
import pytest
from pydantic import SecretStr

from greenroom.client import connect
from greenroom.testdata.v1 import trace_learning_pb2 as pb
from greenroom.testdata.v1 import trace_learning_pb2_grpc, trace_workflow_pb2
from greenroom.testdata.v1.trace_call_pb2 import StreamCallsRequest, TraceParameters
from tests.contract.tokens import SECRET, token
from tests.learnings import ECOMMERCE, EVENT_LOG, SMALL, Stand, edges
from tests.processes import PATIENCE
from tests.scripted import refused
from tests.suite import testdata_suite as served
from tests.unit.rpc.echo import failure


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def stand(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stand]:
    url = "sqlite" if request.param == "sqlite" else request.getfixturevalue("postgres").create_database()
    data, logs = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("logs")
    async with served(url, data, input_roots=(logs,)) as suite:
        yield Stand(suite, logs, data)


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
        learn = trace_learning_pb2_grpc.TraceLearningServiceStub(channel).LearnWorkflow

        assert (await failure(learn(iter([])))).reason == "HEADER_EXPECTED"
        assert (await failure(learn(iter([chunk])))).reason == "HEADER_EXPECTED"
        assert (await failure(learn(iter([header, chunk, header])))).reason == "HEADER_REPEATED"


async def test_learnings_are_listed_by_state_without_what_was_learned(stand: Stand) -> None:
    sent = (await stand.learn(SMALL, EVENT_LOG)).learning

    listed = [one async for one in stand.client.traces.learnings.list(state=pb.Learning.STATE_COMPLETED)]

    assert listed[0].name == sent.name
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


async def test_a_deleted_learning_takes_its_exports_with_it(stand: Stand) -> None:
    sent = (await stand.learn(SMALL, EVENT_LOG)).learning
    folder = stand.data / "learnings" / sent.name.removeprefix("learnings/")
    assert folder.is_dir()

    async with refused("FAILED_PRECONDITION", "LEARNING_OVER"):
        await stand.client.traces.learnings.cancel(sent.name)
    await stand.client.traces.learnings.delete(sent.name)

    assert not folder.exists()


async def test_no_company_finds_anothers_learnings(tmp_path: Path) -> None:
    (tmp_path / "small.csv").write_text(SMALL)

    async with (
        served("sqlite", tmp_path / "data", jwt_secret=SecretStr(SECRET)) as running,
        connect(running.address, timeout=PATIENCE, token=token("acme")) as acme,
        connect(running.address, timeout=PATIENCE, token=token("globex")) as globex,
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
