"""Traces: sessions of API calls generated from a workflow, and certificates for learned workflows."""

from collections.abc import AsyncGenerator
from functools import partial

from greenroom.client._calls import Calls
from greenroom.client._traces.datasets import TraceDatasets
from greenroom.client._traces.learnings import TraceLearnings
from greenroom.client._traces.workflows import Chain, TraceWorkflows, source
from greenroom.testdata.v1 import trace_call_pb2 as pb
from greenroom.testdata.v1.trace_call_pb2_grpc import TraceStreamServiceStub
from greenroom.testdata.v1.trace_certificate_pb2 import CompareWorkflowsRequest, CompareWorkflowsResponse
from greenroom.testdata.v1.trace_certificate_pb2_grpc import TraceCertificateServiceStub

Format = pb.StreamCallsRequest.Format


class Traces:
    """The trace calls: streams and certificates here; workflows, datasets and learnings as attributes."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._streams = TraceStreamServiceStub(calls.channel)
        self._certificates = TraceCertificateServiceStub(calls.channel)
        self.workflows = TraceWorkflows(calls)
        self.datasets = TraceDatasets(calls)
        self.learnings = TraceLearnings(calls)

    async def session(
        self, workflow: Chain, parameters: pb.TraceParameters | None = None, *, session: int = 1
    ) -> "tuple[pb.Call, ...]":
        """The calls of one session in order. session: its number, from 1."""
        request = pb.GenerateSessionRequest(workflow=source(workflow), parameters=parameters, session=session)
        return tuple((await self._calls.unary(self._streams.GenerateSession, request)).calls)

    def stream(
        self,
        workflow: Chain,
        parameters: pb.TraceParameters | None = None,
        *,
        format: Format.ValueType = pb.StreamCallsRequest.FORMAT_ROWS,  # noqa: A002
        sessions: pb.SessionRange | None = None,
        cursor: str = "",
    ) -> AsyncGenerator[pb.StreamCallsResponse, None]:
        """The sessions' calls, generated as they are read: about 1 MiB per message, each with the cursor after it.

        The `data` of all messages is one file, also across lost connections. A stream that is started with a cursor
        starts with the head of the file again; `without_head` removes it.
        """
        request = pb.StreamCallsRequest(
            workflow=source(workflow), parameters=parameters, sessions=sessions, format=format, cursor=cursor
        )
        return self._calls.resumed(self._streams.StreamCalls, request, continued=partial(without_head, format))

    async def compare(self, truth: Chain, learning: str) -> CompareWorkflowsResponse:
        """The recovery certificate of `learnings/{learning}`, also as JSON and as a picture (SVG)."""
        request = CompareWorkflowsRequest(truth=source(truth), learning=learning)
        return await self._calls.unary(self._certificates.CompareWorkflows, request)


def without_head(format: Format.ValueType, message: pb.StreamCallsResponse) -> None:  # noqa: A002
    """Remove the head from the first message of a continued stream: the CSV header, or the Arrow schema."""
    match format:
        case pb.StreamCallsRequest.FORMAT_CSV:
            message.data = message.data.partition(b"\n")[2]
        case pb.StreamCallsRequest.FORMAT_ARROW_IPC:
            # A message of Arrow IPC: 0xFFFFFFFF, the metadata's length, the metadata; a schema has no body after it.
            message.data = message.data[8 + int.from_bytes(message.data[4:8], "little") :]
