"""Streams of calls over real gRPC: every format and range, cut and continued; other calls do not wait for them."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pyarrow as pa
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from greenroom.testdata.v1 import trace_call_pb2 as pb
from greenroom.testdata.v1 import trace_call_pb2_grpc, trace_workflow_pb2, trace_workflow_pb2_grpc
from services.testdata.traces.formats import Format
from services.testdata.traces.generation import compile_chain, generate, session_count
from services.testdata.traces.parameters import Parameters
from services.testdata.workflows.builtin import built_in
from tests import suite
from tests.failures import RpcFailure, from_rpc_error
from tests.processes import Service, service
from tests.unit.rpc.echo import OWN_CONNECTION, failure
from tests.unit.testdata.decoding import DECODERS, rows_of, same, spans_of

FORMATS = [form for form in Format if form is not Format.PARQUET]
MESSAGE_LIMIT = 4 << 20


@dataclass
class Streaming:
    """A served test data service."""

    stub: Any
    health: Any
    workflows: Any

    async def messages(self, request: pb.StreamCallsRequest) -> list[pb.StreamCallsResponse]:
        """All messages of a stream."""
        return [message async for message in self.stub.StreamCalls(request)]

    async def refused(self, request: pb.StreamCallsRequest) -> RpcFailure:
        """The failure of a stream."""
        return await failure(self.stub.StreamCalls(request))


@pytest.fixture(scope="module")
async def traces(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Streaming]:
    folder = tmp_path_factory.mktemp("streams")
    async with (
        suite.testdata_suite("sqlite", folder) as running,
        grpc.aio.insecure_channel(running.address, OWN_CONNECTION) as channel,
        grpc.aio.insecure_channel(running.address, OWN_CONNECTION) as other,
    ):
        yield Streaming(
            trace_call_pb2_grpc.TraceStreamServiceStub(channel),
            health_pb2_grpc.HealthStub(other),
            trace_workflow_pb2_grpc.TraceWorkflowServiceStub(channel),
        )


def asking(
    form: Format = Format.ROWS,
    *,
    first: int = 0,
    count: int = 0,
    workflow: str = "ecommerce",
    cursor: str = "",
    users: int = 1_000,
    seed: int = 0,
    cascade_rate: float = 0.1,
) -> pb.StreamCallsRequest:
    """A request to stream sessions."""
    return pb.StreamCallsRequest(
        workflow=trace_workflow_pb2.WorkflowSource(name=f"workflows/{workflow}"),
        parameters=pb.TraceParameters(users=users, seed=seed, cascade_rate=cascade_rate),
        sessions=pb.SessionRange(first=first, count=count),
        format=pb.StreamCallsRequest.Format.Value(f"FORMAT_{form}"),
        cursor=cursor,
    )


def content(form: Format, messages: Sequence[pb.StreamCallsResponse]) -> bytes:
    """The content of the messages, concatenated."""
    if form is Format.ROWS:
        return b"".join(pb.StreamCallsResponse(calls=message.calls).SerializeToString() for message in messages)
    return b"".join(message.data for message in messages)


def told(form: Format, messages: Sequence[pb.StreamCallsResponse]) -> object:
    """The decoded content of the messages, without the head that each stream begins with."""
    data = content(form, messages)
    match form:
        case Format.CSV:
            return data.partition(b"\n")[2]
        case Format.ARROW_IPC:
            return pa.ipc.open_stream(data).read_all()
        case _:
            return data


@pytest.mark.parametrize("form", FORMATS)
async def test_a_stream_carries_what_the_generator_generates(traces: Streaming, form: Format) -> None:
    chain = compile_chain(built_in()["workflows/ecommerce"].workflow, Parameters(users=150, seed=5, cascade_rate=0.5))

    messages = await traces.messages(asking(form, users=150, seed=5, cascade_rate=0.5))

    calls = generate(chain, 1, session_count(chain))
    assert same(DECODERS[form](content(form, messages)), rows_of(chain, calls))
    assert sum(message.call_count for message in messages) == len(calls)


async def test_a_session_alone_is_the_one_in_the_stream(traces: Streaming) -> None:
    calls = [call for message in await traces.messages(asking(users=50, seed=9)) for call in message.calls]

    for session in (1, 17, calls[-1].session):
        request = pb.GenerateSessionRequest(
            workflow=asking().workflow, parameters=pb.TraceParameters(users=50, seed=9), session=session
        )
        alone = await traces.stub.GenerateSession(request)
        assert list(alone.calls) == [call for call in calls if call.session == session]


@pytest.mark.parametrize("form", FORMATS)
async def test_messages_of_about_a_mebibyte_hold_whole_sessions_in_order(traces: Streaming, form: Format) -> None:
    messages = await traces.messages(asking(form, first=11, count=8_000, users=5_000))

    sizes = [message.ByteSize() for message in messages]
    assert max(sizes) <= 2 << 20
    assert all(size >= 1 << 19 for size in sizes[:-1])
    sessions = [message.last_session for message in messages]
    assert sessions == sorted(set(sessions))
    assert sessions[-1] == 8_010
    assert len({message.session_count for message in messages}) == 1
    if form is Format.ROWS:
        begins = [message.calls[0].session for message in messages]
        assert begins == [11, *(session + 1 for session in sessions[:-1])]
        assert [message.calls[-1].session for message in messages] == sessions


@pytest.mark.parametrize("form", FORMATS)
async def test_a_stream_that_was_cut_after_any_message_goes_on_with_the_same_calls(
    traces: Streaming, form: Format
) -> None:
    users = 1_500 if form in (Format.JSONL, Format.OTLP) else 9_000
    whole = await traces.messages(asking(form, users=users))
    assert len(whole) >= 4

    for cut in random.Random(form).sample(range(1, len(whole)), 3):
        rest = await traces.messages(asking(form, cursor=whole[cut - 1].cursor, users=users))
        if form is Format.ARROW_IPC:
            halves = pa.concat_tables([told(form, whole[:cut]), told(form, rest)])
            assert halves.equals(told(form, whole))
        else:
            assert told(form, whole[:cut]) + told(form, rest) == told(form, whole)  # type: ignore[operator]


async def test_the_cursor_of_the_last_message_has_nothing_behind_it(traces: Streaming) -> None:
    messages = await traces.messages(asking(count=10))

    assert await traces.messages(asking(count=10, cursor=messages[-1].cursor)) == []


async def test_any_thousand_of_millions_of_sessions_come_alone(traces: Streaming) -> None:
    alone = await traces.messages(asking(first=5_000_000, count=1_001, users=2_000_000))
    around = await traces.messages(asking(first=4_999_000, count=3_000, users=2_000_000))

    calls = [call for message in alone for call in message.calls]
    assert (calls[0].session, calls[-1].session) == (5_000_000, 5_001_000)
    assert calls == [call for message in around for call in message.calls if 5_000_000 <= call.session <= 5_001_000]


def deep() -> trace_workflow_pb2.WorkflowSource:
    """A workflow whose sessions have 1,000 calls with 16 spans each, of services with long names."""
    names = [f"{number:x<200}" for number in range(5)]
    calls = {
        name: trace_workflow_pb2.ServiceCalls(to=dict.fromkeys(names[place + 1 :], 1.0))
        for place, name in enumerate(names[:-1])
    }
    spec = trace_workflow_pb2.WorkflowSpec(
        name="deep",
        entry_points={"poll": 1.0},
        transitions={"poll": trace_workflow_pb2.Transitions(next={"poll": 0.99999})},
        exit_points={"poll": 0.00001},
        avg_response_times={"poll": 5.0},
        service_graph=trace_workflow_pb2.ServiceGraph(endpoints={"poll": names[0]}, calls=calls),
    )
    return trace_workflow_pb2.WorkflowSource(spec=spec)


async def test_a_session_that_is_larger_than_a_message_is_cut_at_its_calls_and_goes_on_there(
    traces: Streaming,
) -> None:
    request = asking(Format.OTLP, count=2, users=2, cascade_rate=0)
    request.workflow.CopyFrom(deep())

    whole = await traces.messages(request)
    request.cursor = whole[0].cursor
    rest = await traces.messages(request)

    assert max(message.ByteSize() for message in whole) < MESSAGE_LIMIT
    assert (whole[0].last_session, whole[-1].last_session) == (0, 2)
    found = content(Format.OTLP, [whole[0], *rest])
    assert DECODERS[Format.OTLP](found) == DECODERS[Format.OTLP](content(Format.OTLP, whole))
    assert Counter(span.trace_id for _, span in spans_of(found)).keys() == {
        span.trace_id for _, span in spans_of(content(Format.OTLP, whole))
    }


async def test_a_stream_that_asks_for_no_format_is_refused(traces: Streaming) -> None:
    request = asking()
    request.format = pb.StreamCallsRequest.FORMAT_UNSPECIFIED

    refused = await traces.refused(request)

    assert (refused.code, [violation.field for violation in refused.violations]) == ("INVALID_ARGUMENT", ["format"])


@pytest.mark.parametrize(("first", "count"), [(1_000_000, 0), (1, 1_000_000), (1 << 62, 1 << 62)])
async def test_sessions_beyond_the_end_are_refused_with_how_many_there_are(
    traces: Streaming, first: int, count: int
) -> None:
    there = (await traces.messages(asking(count=1, users=10)))[0].session_count

    refused = await traces.refused(asking(first=first, count=count, users=10))

    assert (refused.code, refused.reason) == ("OUT_OF_RANGE", "SESSION_OUT_OF_RANGE")
    assert f"give {there:,} sessions" in refused.sentence


async def test_a_cursor_of_another_stream_is_refused(traces: Streaming) -> None:
    cursor = (await traces.messages(asking(count=10, seed=1)))[0].cursor
    others = [
        asking(count=10, seed=2),
        asking(count=11, seed=1),
        asking(first=2, count=10, seed=1),
        asking(Format.CSV, count=10, seed=1),
        asking(count=10, seed=1, workflow="microservices"),
        asking(count=10, seed=1, users=999),
    ]

    for other in others:
        other.cursor = cursor
        refused = await traces.refused(other)
        assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "CURSOR_FOREIGN")


async def test_a_cursor_is_refused_when_the_workflow_was_changed_meanwhile(traces: Streaming) -> None:
    source = trace_workflow_pb2.WorkflowSource(name="workflows/ecommerce")
    await traces.workflows.CreateWorkflow(
        trace_workflow_pb2.CreateWorkflowRequest(workflow=source, **{"as": "changing"})
    )
    cursor = (await traces.messages(asking(count=10, workflow="changing")))[0].cursor
    kept = await traces.workflows.GetWorkflow(trace_workflow_pb2.GetWorkflowRequest(name="workflows/changing"))
    times = kept.workflow.spec.avg_response_times
    times[next(iter(times))] += 1
    await traces.workflows.UpdateWorkflow(
        trace_workflow_pb2.UpdateWorkflowRequest(
            name="workflows/changing", workflow=trace_workflow_pb2.WorkflowSource(spec=kept.workflow.spec)
        )
    )

    refused = await traces.refused(asking(count=10, workflow="changing", cursor=cursor))

    assert refused.reason == "CURSOR_FOREIGN"


async def test_what_is_no_cursor_is_refused(traces: Streaming) -> None:
    refused = await traces.refused(asking(count=10, cursor="rubbish"))

    assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "CURSOR_MALFORMED")


async def test_times_that_nanoseconds_cannot_say_are_refused_in_otlp_alone(traces: Streaming) -> None:
    request = asking(Format.OTLP, count=1)
    request.parameters.start_time.FromJsonString("2300-01-01T00:00:00Z")

    refused = await traces.refused(request)

    assert [violation.field for violation in refused.violations] == ["parameters.end_time"]
    request.format = pb.StreamCallsRequest.FORMAT_CSV
    assert b"\n2300-01-" in (await traces.messages(request))[0].data


async def test_an_unknown_workflow_is_refused(traces: Streaming) -> None:
    assert (await traces.refused(asking(workflow="nowhere"))).reason == "WORKFLOW_NOT_FOUND"


async def test_a_stream_ends_at_its_deadline_however_much_there_is_to_come(traces: Streaming) -> None:
    assert (await failure(traces.stub.StreamCalls(asking(users=5_000_000), timeout=3.0))).code == "DEADLINE_EXCEEDED"


async def test_readers_that_go_away_or_stand_still_hinder_no_other(traces: Streaming) -> None:
    still = traces.stub.StreamCalls(asking(users=5_000_000))
    await still.read()
    for _ in range(10):
        gone = traces.stub.StreamCalls(asking(Format.OTLP, users=5_000_000))
        await gone.read()
        gone.cancel()

    assert (await traces.messages(asking(Format.JSONL, count=2_000)))[-1].last_session == 2_000
    still.cancel()


async def test_the_server_answers_while_it_generates(traces: Streaming) -> None:
    # The server first counts the sessions of 100 million users. That takes about a second, enough for many answers.
    stream = traces.stub.StreamCalls(asking(users=100_000_000, count=10))
    reading = asyncio.ensure_future(stream.read())
    answered = 0
    while not reading.done():
        await traces.health.Check(health_pb2.HealthCheckRequest())
        answered += 1

    assert (await reading).call_count > 0
    assert answered >= 20


async def test_a_stream_that_a_server_ends_as_it_shuts_down_goes_on_at_another(
    traces: Streaming, tmp_path: Path
) -> None:
    settings = {"GREENROOM_DATA_DIR": str(tmp_path), "GREENROOM_COMPUTE_WORKERS": "1"}
    request, received = asking(users=1_000_000), list[pb.StreamCallsResponse]()
    async with (
        service("services.testdata", settings) as process,
        grpc.aio.insecure_channel(process.address, OWN_CONNECTION) as channel,
    ):
        stream = trace_call_pb2_grpc.TraceStreamServiceStub(channel).StreamCalls(request)
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await read_and_stop(stream, process, received)
        assert from_rpc_error(ended.value).reason == "SERVER_DRAINING"
        await process.died()
    request.cursor = received[-1].cursor
    rest = traces.stub.StreamCalls(request)
    received.append(await rest.read())
    rest.cancel()

    sessions = [call.session for message in received for call in message.calls]
    assert sessions == sorted(sessions)
    assert set(sessions) == set(range(1, sessions[-1] + 1))


async def read_and_stop(stream: Any, process: Service, received: list[pb.StreamCallsResponse]) -> None:
    """Read to the end; stop the server after the first message."""
    async for message in stream:
        received.append(message)
        process.stop()
