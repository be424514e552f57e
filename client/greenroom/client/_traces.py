"""Traces: sessions of API calls generated from a workflow, and what was learned from logs compared with the truth."""

from collections.abc import AsyncGenerator
from functools import partial

from greenroom.client._calls import Calls
from greenroom.client._trace_datasets import TraceDatasets
from greenroom.client._trace_learnings import TraceLearnings
from greenroom.client._trace_workflows import Chain, TraceWorkflows, source
from greenroom.testdata.v1 import trace_call_pb2 as pb
from greenroom.testdata.v1.trace_certificate_pb2 import CompareWorkflowsRequest, CompareWorkflowsResponse
from greenroom.testdata.v1.trace_pb2_grpc import TraceServiceStub

Format = pb.StreamCallsRequest.Format


class Traces:
    """The calls of TraceService: those about workflows, datasets and learnings by noun, the others here."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = TraceServiceStub(calls.channel)
        self.workflows = TraceWorkflows(calls, self._stub)
        self.datasets = TraceDatasets(calls, self._stub)
        self.learnings = TraceLearnings(calls, self._stub)

    async def session(
        self, workflow: Chain, parameters: pb.TraceParameters | None = None, *, session: int = 1
    ) -> "tuple[pb.Call, ...]":
        """One session's calls in order. session: which, from 1."""
        request = pb.GenerateSessionRequest(workflow=source(workflow), parameters=parameters, session=session)
        return tuple((await self._calls.unary(self._stub.GenerateSession, request)).calls)

    def stream(
        self,
        workflow: Chain,
        parameters: pb.TraceParameters | None = None,
        *,
        format: Format.ValueType = pb.StreamCallsRequest.FORMAT_ROWS,  # noqa: A002
        sessions: pb.SessionRange | None = None,
        cursor: str = "",
    ) -> AsyncGenerator[pb.StreamCallsResponse, None]:
        """The sessions' calls, generated as they are read: about 1 MiB a message, each with the cursor behind it.

        The `data` of all messages is one file, over lost connections too. A stream that is begun with a cursor begins
        with what the file begins with; `without_head` takes it away.
        """
        request = pb.StreamCallsRequest(
            workflow=source(workflow), parameters=parameters, sessions=sessions, format=format, cursor=cursor
        )
        return self._calls.resumed(self._stub.StreamCalls, request, continued=partial(without_head, format))

    async def compare(self, truth: Chain, learning: str) -> CompareWorkflowsResponse:
        """The recovery certificate of `learnings/{learning}`, also as JSON and as a picture (SVG)."""
        request = CompareWorkflowsRequest(truth=source(truth), learning=learning)
        return await self._calls.unary(self._stub.CompareWorkflows, request)


def without_head(format: Format.ValueType, message: pb.StreamCallsResponse) -> None:  # noqa: A002
    """Take from a stream's first message what a file has only once: the line that names the columns, the schema."""
    match format:
        case pb.StreamCallsRequest.FORMAT_CSV:
            message.data = message.data.partition(b"\n")[2]
        case pb.StreamCallsRequest.FORMAT_ARROW_IPC:
            # A message of Arrow IPC: 0xFFFFFFFF, the metadata's length, the metadata; a schema has no body behind it.
            message.data = message.data[8 + int.from_bytes(message.data[4:8], "little") :]
