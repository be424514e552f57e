"""Batches: many conversations started by one request."""

from collections.abc import AsyncGenerator, Sequence

from greenroom.client._calls import Calls, Link, new_request_id
from greenroom.client._listing import Listing
from greenroom.client._watch import Watch, is_last
from greenroom.synthesizer.v1 import batch_pb2 as pb
from greenroom.synthesizer.v1.batch_pb2_grpc import BatchServiceStub
from greenroom.synthesizer.v1.conversation_pb2 import Conversation
from greenroom.type.v1.event_pb2 import Event


class Batches:
    """The calls of BatchService. Names are `batches/{batch}`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = BatchServiceStub(calls.channel)

    async def start(self, spec: pb.BatchSpec, *, create_only: bool = False, request_id: str | None = None) -> pb.Batch:
        """Create a batch with its conversations and start them unless create_only."""
        request = pb.StartBatchRequest(spec=spec, create_only=create_only, request_id=request_id or new_request_id())
        return (await self._calls.unary(self._stub.StartBatch, request)).batch

    async def estimate(self, spec: pb.BatchSpec) -> pb.EstimateBatchResponse:
        """What the models of a batch would cost; starts nothing."""
        return await self._calls.unary(self._stub.EstimateBatch, pb.EstimateBatchRequest(spec=spec))

    async def run(self, name: str, *, first: int = 0) -> pb.Batch:
        """Start the conversations of a batch that are CREATED: those of the first ones by index, or of all."""
        return (await self._calls.unary(self._stub.RunBatch, pb.RunBatchRequest(name=name, first=first))).batch

    async def get(self, name: str) -> pb.Batch:
        """One batch with its counts by state."""
        return (await self._calls.unary(self._stub.GetBatch, pb.GetBatchRequest(name=name))).batch

    def list(
        self,
        *,
        state: pb.Batch.State.ValueType = pb.Batch.STATE_UNSPECIFIED,
        external_id: str = "",
        external_ids: Sequence[str] = (),
        external_id_prefix: str = "",
        labels: Sequence[str] = (),
        short_id: str = "",
        procedure: str = "",
        revision: int = 0,
        agent_pull_request: int = 0,
        persona_agent_pull_request: int = 0,
    ) -> Listing[pb.Batch]:
        """The batches, newest first. external_ids: one of these. labels: all of these.

        short_id: only those whose id begins or ends with it. procedure, revision: only those with such a conversation.
        agent_pull_request, persona_agent_pull_request: only those that call these previews.
        """
        request = pb.ListBatchesRequest(
            state=state,
            external_id=external_id,
            external_ids=external_ids,
            external_id_prefix=external_id_prefix,
            labels=labels,
            short_id=short_id,
            procedure=procedure,
            revision=revision,
            agent_pull_request=agent_pull_request,
            persona_agent_pull_request=persona_agent_pull_request,
        )
        return self._calls.listing(self._stub.ListBatches, request, lambda page: page.batches)

    def results(
        self, batch: str, *, state: Conversation.State.ValueType = Conversation.STATE_UNSPECIFIED
    ) -> Listing[pb.BatchResult]:
        """One row per conversation, by index."""
        request = pb.ListBatchResultsRequest(batch=batch, state=state)
        return self._calls.listing(self._stub.ListBatchResults, request, lambda page: page.results)

    def watch(self, name: str, *, cursor: str = "") -> Watch[Event, pb.Batch]:
        """The events of all conversations in one order as they are stored, until all are over."""
        request = pb.WatchBatchRequest(name=name, cursor=cursor)
        link = Link()
        messages = self._calls.resumed(self._stub.WatchBatch, request, is_last=is_last, link=link)
        return Watch(messages, lambda message: message.events, cursor, link)

    async def cancel(self, name: str, *, not_needed: bool = False) -> pb.Batch:
        """Cancel every conversation that is not over; not_needed: only those that are CREATED."""
        request = pb.CancelBatchRequest(name=name, not_needed=not_needed)
        return (await self._calls.unary(self._stub.CancelBatch, request)).batch

    async def retry(self, name: str) -> pb.Batch:
        """Resume every failed conversation at the step that failed."""
        request = pb.RetryBatchRequest(name=name)
        return (await self._calls.unary(self._stub.RetryBatch, request, again=False)).batch

    async def delete(self, name: str) -> None:
        """Delete a batch that is over, with its conversations and their events."""
        await self._calls.unary(self._stub.DeleteBatch, pb.DeleteBatchRequest(name=name), again=False)

    def export(
        self, batch: str, *, cursor: str = "", follow: bool = False
    ) -> AsyncGenerator[pb.ExportTranscriptsResponse, None]:
        """The transcripts as JSONL in chunks, each with the cursor that continues after it.

        follow: True to wait for those that are not over yet, and to get whole lines in the order of the endings.
        """
        request = pb.ExportTranscriptsRequest(batch=batch, cursor=cursor, follow=follow)
        return self._calls.resumed(self._stub.ExportTranscripts, request)
