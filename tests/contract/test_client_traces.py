"""Streams of calls through the client: interrupted streams give the same file."""

import io

import pyarrow.ipc
import pytest

import greenroom.client
from greenroom.client import Backoff, Client, without_head
from greenroom.testdata.v1.trace_call_pb2 import Call, SessionRange, StreamCallsRequest, TraceParameters
from tests.durable.cutting import hop
from tests.suite import TestdataSuite

SOON = Backoff(attempts=100, initial=0.05, maximum=0.1)
ECOMMERCE = "workflows/ecommerce"
FILES = {
    "jsonl": StreamCallsRequest.FORMAT_JSONL,
    "csv": StreamCallsRequest.FORMAT_CSV,
    "otlp": StreamCallsRequest.FORMAT_OTLP,
}


async def file(client: Client, kind: StreamCallsRequest.Format.ValueType, parameters: TraceParameters) -> bytes:
    return b"".join([one.data async for one in client.traces.stream(ECOMMERCE, parameters, format=kind)])


@pytest.mark.parametrize("name", FILES)
async def test_an_interrupted_stream_resumes_and_gives_the_same_file(traces: TestdataSuite, name: str) -> None:
    parameters = TraceParameters(users=4_000, seed=3)
    whole = await file(traces.client, FILES[name], parameters)
    port = int(traces.address.rsplit(":", 1)[1])
    # The first message is about 1 MiB; cuts fall inside the second and later ones.
    async with (
        hop(port, [1_500_000, 10, 2_500_000]) as way,
        greenroom.client.connect(way.address, retry=SOON, reconnect=SOON) as client,
    ):
        assert await file(client, FILES[name], parameters) == whole
    assert way.cuts == 3


async def test_an_interrupted_arrow_stream_resumes_as_one_valid_stream(traces: TestdataSuite) -> None:
    parameters = TraceParameters(users=20_000, seed=3)
    whole = await file(traces.client, StreamCallsRequest.FORMAT_ARROW_IPC, parameters)
    port = int(traces.address.rsplit(":", 1)[1])
    async with (
        hop(port, [3_000_000]) as way,
        greenroom.client.connect(way.address, retry=SOON, reconnect=SOON) as client,
    ):
        cut = await file(client, StreamCallsRequest.FORMAT_ARROW_IPC, parameters)
    assert way.cuts == 1
    tables = [pyarrow.ipc.open_stream(io.BytesIO(data)).read_all() for data in (whole, cut)]
    assert tables[0].equals(tables[1])


async def test_a_stream_resumes_after_a_cursor_without_its_header(traces: TestdataSuite) -> None:
    parameters = TraceParameters(users=4_000, seed=3)
    whole = await file(traces.client, StreamCallsRequest.FORMAT_CSV, parameters)
    stream = traces.client.traces.stream(ECOMMERCE, parameters, format=StreamCallsRequest.FORMAT_CSV)
    first = await anext(stream)
    await stream.aclose()
    rest = traces.client.traces.stream(ECOMMERCE, parameters, format=StreamCallsRequest.FORMAT_CSV, cursor=first.cursor)
    second = await anext(rest)
    without_head(StreamCallsRequest.FORMAT_CSV, second)
    assert whole.startswith(first.data + second.data)
    await rest.aclose()


async def test_a_range_of_sessions_and_one_session_are_the_same_calls(traces: TestdataSuite) -> None:
    parameters = TraceParameters(users=2_000_000, seed=9)
    wanted = SessionRange(first=5_000_000, count=2)
    streamed: list[Call] = []
    async for message in traces.client.traces.stream(ECOMMERCE, parameters, sessions=wanted):
        streamed += message.calls
    single = [
        call
        for number in (5_000_000, 5_000_001)
        for call in await traces.client.traces.session(ECOMMERCE, parameters, session=number)
    ]
    assert streamed == single
    assert {call.session for call in single} == {5_000_000, 5_000_001}
