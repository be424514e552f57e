"""Conversations: a persona talks to the agent under test, or a caller appends the events."""

from collections.abc import AsyncIterator, Iterable

from greenroom.client._calls import Calls, new_request_id
from greenroom.client._watch import Watch, is_last
from greenroom.synthesizer.v1 import conversation_pb2 as pb
from greenroom.synthesizer.v1.conversation_pb2_grpc import ConversationServiceStub
from greenroom.type.v1.event_pb2 import Event


class Conversations:
    """The calls of ConversationService. Names are `conversations/{conversation}`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = ConversationServiceStub(calls.channel)

    async def start(
        self, spec: pb.ConversationSpec, *, create_only: bool = False, request_id: str | None = None
    ) -> pb.Conversation:
        """Create a conversation and, unless create_only, let it run."""
        request = pb.StartConversationRequest(
            spec=spec, create_only=create_only, request_id=request_id or new_request_id()
        )
        return (await self._calls.unary(self._stub.StartConversation, request)).conversation

    async def run(self, name: str) -> pb.Conversation:
        """Let a conversation run that was created only."""
        request = pb.RunConversationRequest(name=name)
        return (await self._calls.unary(self._stub.RunConversation, request)).conversation

    async def get(self, name: str) -> pb.Conversation:
        """One conversation without its events."""
        request = pb.GetConversationRequest(name=name)
        return (await self._calls.unary(self._stub.GetConversation, request)).conversation

    def list(self, filter: pb.ConversationFilter | None = None) -> AsyncIterator[pb.Conversation]:  # noqa: A002
        """The conversations, oldest first."""
        return self._calls.pages(
            self._stub.ListConversations,
            pb.ListConversationsRequest(filter=filter),
            lambda page: page.conversations,
        )

    def events(self, conversation: str) -> AsyncIterator[Event]:
        """A conversation's events so far, in order."""
        return self._calls.pages(
            self._stub.ListEvents, pb.ListEventsRequest(conversation=conversation), lambda page: page.events
        )

    def watch(self, name: str, *, cursor: str = "") -> Watch[Event, pb.Conversation]:
        """The events as they are stored, from the first or after a cursor, until the conversation is over."""
        request = pb.WatchConversationRequest(name=name, cursor=cursor)
        messages = self._calls.resumed(self._stub.WatchConversation, request, is_last=is_last)
        return Watch(messages, lambda message: message.events, cursor)

    async def cancel(self, name: str) -> pb.Conversation:
        """Cancel a conversation; the call to a model or agent that is under way is aborted."""
        request = pb.CancelConversationRequest(name=name)
        return (await self._calls.unary(self._stub.CancelConversation, request)).conversation

    async def retry(self, name: str) -> pb.Conversation:
        """Resume a failed conversation at the step that failed."""
        request = pb.RetryConversationRequest(name=name)
        return (await self._calls.unary(self._stub.RetryConversation, request, again=False)).conversation

    async def append(
        self,
        conversation: str,
        events: Iterable[Event],
        *,
        expected_last_seq: int = 0,
        request_id: str | None = None,
    ) -> "tuple[Event, ...]":
        """Append 1 to 100 events to an open manual conversation and return them as stored.

        expected_last_seq: when not 0, the conversation's last seq must be this.
        """
        request = pb.AppendEventsRequest(
            conversation=conversation,
            events=events,
            expected_last_seq=expected_last_seq,
            request_id=request_id or new_request_id(),
        )
        return tuple((await self._calls.unary(self._stub.AppendEvents, request)).events)

    async def finish(self, name: str) -> pb.Conversation:
        """Complete a manual conversation at once, a synthetic one at its next event."""
        request = pb.FinishConversationRequest(name=name)
        return (await self._calls.unary(self._stub.FinishConversation, request, again=False)).conversation

    async def delete(self, name: str) -> None:
        """Remove a finished conversation with its events, for good."""
        request = pb.DeleteConversationRequest(name=name)
        await self._calls.unary(self._stub.DeleteConversation, request, again=False)
