"""Learnings: workflows learned from logs."""

from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

from greenroom.client._calls import Calls, new_request_id
from greenroom.client._files import upload
from greenroom.client._watch import Watch, is_last
from greenroom.testdata.v1 import trace_learning_pb2 as pb
from greenroom.testdata.v1.trace_pb2_grpc import TraceServiceStub


class TraceLearnings:
    """The calls of TraceService about learnings. Names are `learnings/{learning}`."""

    def __init__(self, calls: Calls, stub: TraceServiceStub) -> None:
        self._calls = calls
        self._stub = stub

    async def learn_file(
        self,
        path: str | Path,
        format: pb.LogFormat,  # noqa: A002
        *,
        workflow_name: str = "",
    ) -> pb.LearnWorkflowResponse:
        """Learn from a log of up to 256 MiB here, compressed by gzip or not; what was learned is kept.

        It is not sent again when the connection is lost: it might be learned and kept twice.
        """
        header = pb.LearnHeader(format=format, file=Path(path).name, workflow_name=workflow_name)
        return await upload(
            self._calls,
            self._stub.LearnWorkflow,
            pb.LearnWorkflowRequest,
            Path(path),
            header,
            decompress=False,
            again=False,
        )

    async def start(self, spec: pb.LearningSpec, *, request_id: str | None = None) -> pb.Learning:
        """Let the server learn from a dataset, or from a place that its operator allows."""
        request = pb.StartLearningRequest(spec=spec, request_id=request_id or new_request_id())
        return (await self._calls.unary(self._stub.StartLearning, request)).learning

    async def get(self, name: str) -> pb.GetLearningResponse:
        """One learning; once it is completed, with the learned chain as YAML."""
        return await self._calls.unary(self._stub.GetLearning, pb.GetLearningRequest(name=name))

    def list(self, *, state: pb.Learning.State.ValueType = pb.Learning.STATE_UNSPECIFIED) -> AsyncIterator[pb.Learning]:
        """The learnings, oldest first, without what was learned."""
        return self._calls.pages(
            self._stub.ListLearnings, pb.ListLearningsRequest(state=state), lambda page: page.learnings
        )

    def watch(self, name: str, *, cursor: str = "") -> Watch[pb.LearningProgress, pb.Learning]:
        """How far it is, each time it was noted, until the learning is over."""
        request = pb.WatchLearningRequest(name=name, cursor=cursor)
        messages = self._calls.resumed(self._stub.WatchLearning, request, is_last=is_last)
        return Watch(messages, lambda message: message.progress, cursor)

    async def cancel(self, name: str) -> pb.Learning:
        """Stop the learning."""
        return (await self._calls.unary(self._stub.CancelLearning, pb.CancelLearningRequest(name=name))).learning

    async def delete(self, name: str) -> None:
        """Remove a learning that is over, with its exports, for good."""
        await self._calls.unary(self._stub.DeleteLearning, pb.DeleteLearningRequest(name=name), again=False)

    def export(
        self, name: str, kind: pb.ExportLearningRequest.Kind.ValueType, *, cursor: str = ""
    ) -> AsyncGenerator[pb.ExportLearningResponse, None]:
        """A Parquet file for machine learning in chunks, each with the cursor that goes on after it."""
        request = pb.ExportLearningRequest(name=name, kind=kind, cursor=cursor)
        return self._calls.resumed(self._stub.ExportLearning, request)
