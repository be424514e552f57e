"""Conversations: a persona talks to the agent under test, or a caller appends the events."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from greenroom.client._calls import Calls, Link, new_request_id
from greenroom.client._listing import Listing
from greenroom.client._watch import Watch, is_last
from greenroom.synthesizer.v1 import conversation_pb2 as pb
from greenroom.synthesizer.v1.conversation_pb2_grpc import ConversationServiceStub
from greenroom.type.v1.event_pb2 import Event

_PLAY_SECONDS = 600.0
"""How long a model or an agent may take for its step."""


class Conversations:
    """The calls of ConversationService. Names are `conversations/{conversation}`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = ConversationServiceStub(calls.channel)

    async def start(
        self, spec: pb.ConversationSpec, *, create_only: bool = False, request_id: str | None = None
    ) -> pb.Conversation:
        """Create a conversation and start it unless create_only."""
        request = pb.StartConversationRequest(
            spec=spec, create_only=create_only, request_id=request_id or new_request_id()
        )
        return (await self._calls.unary(self._stub.StartConversation, request)).conversation

    async def try_tool(
        self,
        spec: pb.ConversationSpec,
        tool: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        answered_before: int = 0,
    ) -> pb.TryToolResponse:
        """What a tool answers to a call in a conversation with this spec; nothing is started or stored.

        answered_before: how many calls the rule that answers has answered before.
        """
        request = pb.TryToolRequest(spec=spec, tool=tool, answered_before=answered_before)
        request.arguments.update(arguments or {})
        return await self._calls.unary(self._stub.TryTool, request)

    async def run(self, name: str) -> pb.Conversation:
        """Start a CREATED conversation."""
        request = pb.RunConversationRequest(name=name)
        return (await self._calls.unary(self._stub.RunConversation, request)).conversation

    async def get(self, name: str) -> pb.Conversation:
        """One conversation without its events."""
        request = pb.GetConversationRequest(name=name)
        return (await self._calls.unary(self._stub.GetConversation, request)).conversation

    def list(self, filter: pb.ConversationFilter | None = None, *, short_id: str = "") -> Listing[pb.Conversation]:  # noqa: A002
        """The conversations, newest first. short_id: only those whose id begins or ends with it."""
        return self._calls.listing(
            self._stub.ListConversations,
            pb.ListConversationsRequest(filter=filter, short_id=short_id),
            lambda page: page.conversations,
        )

    def events(self, conversation: str) -> Listing[Event]:
        """A conversation's events so far, in order."""
        return self._calls.listing(
            self._stub.ListEvents, pb.ListEventsRequest(conversation=conversation), lambda page: page.events
        )

    def watch(self, name: str, *, cursor: str = "") -> Watch[Event, pb.Conversation]:
        """The events as they are stored, from the first or after a cursor, until the conversation is over."""
        request = pb.WatchConversationRequest(name=name, cursor=cursor)
        link = Link()
        messages = self._calls.resumed(self._stub.WatchConversation, request, is_last=is_last, link=link)
        return Watch(messages, lambda message: message.events, cursor, link)

    async def cancel(self, name: str) -> pb.Conversation:
        """Cancel a conversation and abort its running call to a model or agent."""
        request = pb.CancelConversationRequest(name=name)
        return (await self._calls.unary(self._stub.CancelConversation, request)).conversation

    async def retry(self, name: str) -> pb.Conversation:
        """Resume a failed conversation at the step that failed."""
        request = pb.RetryConversationRequest(name=name)
        return (await self._calls.unary(self._stub.RetryConversation, request, again=False)).conversation

    async def play(
        self, conversation: str, *, plays: pb.Side.ValueType = pb.SIDE_USER, after_seq: int = 0
    ) -> "tuple[Event, ...]":
        """Play the next step of an open manual conversation; no events: it is the turn of the side that you play.

        plays: the side that you play. after_seq: the seq of your last event; events after it are returned instead.
        """
        request = pb.PlayConversationRequest(conversation=conversation, plays=plays, after_seq=after_seq)
        patient = replace(self._calls, timeout=max(self._calls.timeout, _PLAY_SECONDS))
        return tuple((await patient.unary(self._stub.PlayConversation, request)).events)

    async def append(
        self,
        conversation: str,
        events: Iterable[Event],
        *,
        expected_last_seq: int = 0,
        request_id: str | None = None,
    ) -> "tuple[Event, ...]":
        """Append 1 to 100 events to an open manual conversation and return them as stored.

        expected_last_seq: if not 0, the call fails unless it is the seq of the conversation's last event.
        """
        request = pb.AppendEventsRequest(
            conversation=conversation,
            events=events,
            expected_last_seq=expected_last_seq,
            request_id=request_id or new_request_id(),
        )
        return tuple((await self._calls.unary(self._stub.AppendEvents, request)).events)

    async def finish(self, name: str) -> pb.Conversation:
        """Complete a manual conversation now, a synthetic one at its next event."""
        request = pb.FinishConversationRequest(name=name)
        return (await self._calls.unary(self._stub.FinishConversation, request, again=False)).conversation

    async def delete(self, name: str) -> None:
        """Delete a conversation that is over, with its events."""
        request = pb.DeleteConversationRequest(name=name)
        await self._calls.unary(self._stub.DeleteConversation, request, again=False)
