"""Learnings: workflows learned from logs."""

from collections.abc import AsyncGenerator
from pathlib import Path

from greenroom.client._calls import Calls, Link, new_request_id
from greenroom.client._files import upload
from greenroom.client._listing import Listing
from greenroom.client._watch import Watch, is_last
from greenroom.testdata.v1 import trace_learning_pb2 as pb
from greenroom.testdata.v1.trace_learning_pb2_grpc import TraceLearningServiceStub


class TraceLearnings:
    """The calls of TraceLearningService. Names are `learnings/{learning}`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = TraceLearningServiceStub(calls.channel)

    async def learn_file(
        self,
        path: str | Path,
        format: pb.LogFormat,  # noqa: A002
        *,
        workflow_name: str = "",
    ) -> pb.LearnWorkflowResponse:
        """Upload a log of up to 256 MiB, with or without gzip, and learn from it.

        It is not sent again after a lost connection, because it might be learned twice.
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
        """Start to learn from a dataset, or from a path that the server's operator allows."""
        request = pb.StartLearningRequest(spec=spec, request_id=request_id or new_request_id())
        return (await self._calls.unary(self._stub.StartLearning, request)).learning

    async def get(self, name: str) -> pb.GetLearningResponse:
        """One learning; once it is completed, with the learned chain as YAML."""
        return await self._calls.unary(self._stub.GetLearning, pb.GetLearningRequest(name=name))

    def list(
        self, *, state: pb.Learning.State.ValueType = pb.Learning.STATE_UNSPECIFIED, short_id: str = ""
    ) -> Listing[pb.Learning]:
        """The learnings, newest first, without what was learned.

        short_id: only those whose id begins or ends with it.
        """
        return self._calls.listing(
            self._stub.ListLearnings,
            pb.ListLearningsRequest(state=state, short_id=short_id),
            lambda page: page.learnings,
        )

    def watch(self, name: str, *, cursor: str = "") -> Watch[pb.LearningProgress, pb.Learning]:
        """The progress as it is stored, until the learning is over."""
        request = pb.WatchLearningRequest(name=name, cursor=cursor)
        link = Link()
        messages = self._calls.resumed(self._stub.WatchLearning, request, is_last=is_last, link=link)
        return Watch(messages, lambda message: message.progress, cursor, link)

    async def cancel(self, name: str) -> pb.Learning:
        """Stop the learning."""
        return (await self._calls.unary(self._stub.CancelLearning, pb.CancelLearningRequest(name=name))).learning

    async def retry(self, name: str) -> pb.Learning:
        """Read the log of a FAILED learning again."""
        return (await self._calls.unary(self._stub.RetryLearning, pb.RetryLearningRequest(name=name))).learning

    async def delete(self, name: str) -> None:
        """Delete a learning that is over, with its exports."""
        await self._calls.unary(self._stub.DeleteLearning, pb.DeleteLearningRequest(name=name), again=False)

    def export(
        self, name: str, kind: pb.ExportLearningRequest.Kind.ValueType, *, cursor: str = ""
    ) -> AsyncGenerator[pb.ExportLearningResponse, None]:
        """A Parquet file for machine learning in chunks, each with the cursor that continues after it."""
        request = pb.ExportLearningRequest(name=name, kind=kind, cursor=cursor)
        return self._calls.resumed(self._stub.ExportLearning, request)
