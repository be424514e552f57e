# ruff: noqa: ARG002 - servicers take what they do not need
"""A gateway that plays a scripted batch, to test the output of the command line."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import grpc
from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

from greenroom.synthesizer.v1 import batch_pb2 as pb
from greenroom.synthesizer.v1.batch_pb2_grpc import add_BatchServiceServicer_to_server
from greenroom.synthesizer.v1.conversation_pb2 import (
    Conversation,
    ConversationSpec,
    ListEventsRequest,
    ListEventsResponse,
)
from greenroom.synthesizer.v1.conversation_pb2_grpc import add_ConversationServiceServicer_to_server
from greenroom.type.v1.event_pb2 import (
    FAULT_AGENT,
    FAULT_UNSPECIFIED,
    AgentMessage,
    AttemptStarted,
    Ended,
    Event,
    Opened,
    ToolAnswer,
    ToolCall,
    ToolResult,
    UserMessage,
)
from tests.contract.client_fakes import Context, Partial, serving

NAME = "batches/0193507a-1f2e-7c3d-8e4f-5a6b7c8d9e0f"
TURNS = 3


def conversation(index: int) -> str:
    return f"conversations/0193507a-1f2e-7c3d-8e4f-{index:012x}"


def story(index: int, fails: bool) -> Iterator[Event]:
    """A conversation's events: one copied message, three turns with a tool call, an end."""
    arguments, value = Struct(), Value()
    arguments.update({"order_id": f"{3348917500 + index}", "amount": 40})
    value.struct_value.update({"refunded": True})
    kinds = [
        (0, Event(opened=Opened())),
        (0, Event(user_message=UserMessage(text="Hi! I want to return a coat."), copied=True)),
        (0, Event(attempt_started=AttemptStarted(attempt=1))),
        (
            0,
            Event(
                agent_message=AgentMessage(text="I am sorry to hear that. May I have your full name [as on the order]?")
            ),
        ),
        (1, Event(user_message=UserMessage(text="Crystal Minh. How much does the return cost me, and who pays it?"))),
        (1, Event(tool_call=ToolCall(call_id="1", tool="refund_order", arguments=arguments))),
        (1, Event(tool_result=ToolResult(call_id="1", tool="refund_order", answer=ToolAnswer(value=value)))),
        (1, Event(agent_message=AgentMessage(text="Nothing at all: I have refunded 40 dollars to your card."))),
        (2, Event(user_message=UserMessage(silent=True))),
        (TURNS, Event(user_message=UserMessage(text="Thank you, goodbye.", leaves=True))),
    ]
    ended = (
        Ended(
            outcome=Ended.OUTCOME_FAILED,
            reason="AGENT_UNREACHABLE",
            detail="The agent did not answer.",
            fault=FAULT_AGENT,
        )
        if fails
        else Ended(outcome=Ended.OUTCOME_COMPLETED, reason="USER_LEFT", detail="The user left.")
    )
    kinds.append((TURNS, Event(ended=ended)))
    for seq, (turn, event) in enumerate(kinds, 1):
        event.conversation, event.seq, event.turn = conversation(index), seq, turn
        yield event


class Rehearsal(Partial):
    """One batch, which plays after RunBatch, or after StartBatch without create_only.

    failing: how many of its conversations fail. holds: after how many events it waits for `go`; None: never.
    pause: seconds between two events, for looking at it. reason: why they fail, as the results say.
    repeats: how many agent messages of the first one repeat an earlier one.
    """

    def __init__(
        self,
        size: int = 8,
        failing: int = 0,
        holds: int | None = None,
        pause: float = 0,
        reason: str = "AGENT_UNREACHABLE",
        repeats: int = 0,
    ) -> None:
        self.reason, self.repeats = reason, repeats
        stories = [list(story(index, index < failing)) for index in range(size)]
        # Four conversations run at a time; their events alternate.
        self.events = [
            event
            for first in range(0, size, 4)
            for together in zip(*stories[first : first + 4], strict=True)
            for event in together
        ]
        self.size, self.failing, self.holds, self.pause = size, failing, holds, pause
        self.spec = pb.BatchSpec()
        self.running, self.watched, self.held, self.go, self.left = (asyncio.Event() for _ in range(5))
        self.cancelled, self.over = False, False
        self.exports: list[str] = []
        self.cut_exports = False

    def batch(self, ended: bool) -> pb.Batch:
        if self.cancelled and self.over:
            return pb.Batch(name=NAME, state=pb.Batch.STATE_CANCELLED, end_time=Timestamp(seconds=1))
        done = self.size - self.failing
        counts = pb.BatchCounts(completed=done, failed=self.failing) if ended else pb.BatchCounts(pending=self.size)
        spec = pb.BatchSpec(size=self.size, conversation=ConversationSpec(max_turns=20))
        state = pb.Batch.STATE_COMPLETED if ended else pb.Batch.STATE_RUNNING
        return pb.Batch(
            name=NAME,
            state=state,
            spec=spec,
            counts=counts,
            turns=TURNS * self.size,
            repeated_agent_messages=self.repeats,
        )

    async def StartBatch(self, request: pb.StartBatchRequest, context: Context) -> pb.StartBatchResponse:  # noqa: N802
        self.spec.CopyFrom(request.spec)
        if not request.create_only:
            self.running.set()
        return pb.StartBatchResponse(batch=self.batch(ended=False))

    async def RunBatch(self, request: pb.RunBatchRequest, context: Context) -> pb.RunBatchResponse:  # noqa: N802
        self.running.set()
        return pb.RunBatchResponse(batch=self.batch(ended=False))

    async def GetBatch(self, request: pb.GetBatchRequest, context: Context) -> pb.GetBatchResponse:  # noqa: N802
        if request.name != NAME:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"There is no {request.name}.")
        batch = self.batch(ended=self.over)
        self.over = self.over or self.cancelled  # its jobs end it
        return pb.GetBatchResponse(batch=batch)

    async def RetryBatch(self, request: pb.RetryBatchRequest, context: Context) -> pb.RetryBatchResponse:  # noqa: N802
        for index in range(self.failing):
            ended = Ended(outcome=Ended.OUTCOME_COMPLETED, reason="USER_LEFT", detail="The user left.")
            for event in (Event(attempt_started=AttemptStarted(attempt=2)), Event(ended=ended)):
                event.conversation, event.turn = conversation(index), TURNS
                self.events.append(event)
        self.failing = 0
        return pb.RetryBatchResponse(batch=self.batch(ended=False))

    async def CancelBatch(self, request: pb.CancelBatchRequest, context: Context) -> pb.CancelBatchResponse:  # noqa: N802
        self.cancelled = True
        return pb.CancelBatchResponse(batch=self.batch(ended=False))

    async def ListBatches(self, request: pb.ListBatchesRequest, context: Context) -> pb.ListBatchesResponse:  # noqa: N802
        batch = self.batch(ended=True)
        found = batch.name.endswith(request.short_id) and request.external_id in ("", batch.spec.external_id)
        return pb.ListBatchesResponse(batches=[batch] if found else [])

    async def WatchBatch(  # noqa: N802
        self, request: pb.WatchBatchRequest, context: Context
    ) -> AsyncIterator[pb.WatchBatchResponse]:
        self.watched.set()
        try:
            await self.running.wait()
            seen = int(request.cursor or 0)
            for number, event in enumerate(self.events[seen:], seen + 1):
                yield pb.WatchBatchResponse(events=[event], cursor=str(number))
                if number == self.holds:
                    self.held.set()
                    await self.go.wait()
                if self.pause:
                    await asyncio.sleep(self.pause)
            yield pb.WatchBatchResponse(cursor=str(len(self.events)), summary=self.batch(ended=True))
        finally:
            self.left.set()

    async def ListBatchResults(  # noqa: N802
        self, request: pb.ListBatchResultsRequest, context: Context
    ) -> pb.ListBatchResultsResponse:
        rows = []
        for index in range(self.size):
            fails = index < self.failing
            rows.append(
                pb.BatchResult(
                    conversation=conversation(index),
                    index=index,
                    state=Conversation.STATE_FAILED if fails else Conversation.STATE_COMPLETED,
                    turns=TURNS,
                    repeated_agent_messages=0 if index else self.repeats,
                    max_turns=20,
                    reason=self.reason if fails else "USER_LEFT",
                    detail="The agent did not answer." if fails else "The user left.",
                    fault=FAULT_AGENT if fails else FAULT_UNSPECIFIED,
                    persona="personas/skeptical-sarah",
                )
            )
        wanted = [row for row in rows if not request.state or row.state == request.state]
        return pb.ListBatchResultsResponse(results=wanted)

    async def ExportTranscripts(  # noqa: N802
        self, request: pb.ExportTranscriptsRequest, context: Context
    ) -> AsyncIterator[pb.ExportTranscriptsResponse]:
        self.exports.append(request.cursor)
        for index in range(int(request.cursor or 0), self.size):
            line = json.dumps({"conversation": {"name": conversation(index)}}).encode() + b"\n"
            yield pb.ExportTranscriptsResponse(chunk=line, cursor=str(index + 1))
            if self.cut_exports and index == 2:
                await context.abort(grpc.StatusCode.INTERNAL, "An internal error occurred.")

    async def ListEvents(self, request: ListEventsRequest, context: Context) -> ListEventsResponse:  # noqa: N802
        return ListEventsResponse(events=list(story(1, fails=False)))


@asynccontextmanager
async def playing(rehearsal: Rehearsal) -> AsyncIterator[str]:
    """The address of a gateway that plays rehearsal."""
    async with serving(
        (add_BatchServiceServicer_to_server, rehearsal), (add_ConversationServiceServicer_to_server, rehearsal)
    ) as address:
        yield address
