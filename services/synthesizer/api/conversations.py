"""ConversationService."""

from collections.abc import AsyncIterator, Sequence

from greenroom.synthesizer.v1 import conversation_pb2 as pb
from greenroom.synthesizer.v1 import conversation_pb2_grpc
from services.synthesizer.api.convert import conversation as convert
from services.synthesizer.api.convert.conversation import conversation_message
from services.synthesizer.api.convert.events import event_message
from services.synthesizer.api.requests import check_events, check_spec
from services.synthesizer.api.watching import EventTails, Watched, joined, size
from services.synthesizer.conversations.lifecycle import Lifecycle
from services.synthesizer.conversations.ports import ConversationReads
from shared.auth import caller
from shared.model.events import unpack
from shared.rpc.cursors import encode_token
from shared.rpc.handlers import Context, ready
from shared.rpc.pages import after_id, after_number, cut
from shared.rpc.paging import read_page
from shared.rpc.requests import request_key
from shared.rpc.streams import watch
from shared.rpc.watching import read_cursor, until_over

_WATCH = "conversations.watch"


class ConversationServicer(conversation_pb2_grpc.ConversationServiceServicer):
    """Answers for conversations."""

    def __init__(self, lifecycle: Lifecycle, conversations: ConversationReads, tails: EventTails) -> None:
        self._lifecycle = lifecycle
        self._conversations = conversations
        self._tails = tails

    async def StartConversation(
        self, request: pb.StartConversationRequest, context: Context
    ) -> pb.StartConversationResponse:
        key = request_key(request, "StartConversation")
        check_spec(request.spec, "spec")
        spec = convert.spec(request.spec)
        started = await self._lifecycle.start(spec, caller(), create_only=request.create_only, key=key)
        return pb.StartConversationResponse(conversation=conversation_message(started))

    async def RunConversation(self, request: pb.RunConversationRequest, context: Context) -> pb.RunConversationResponse:
        conversation = await self._lifecycle.run(caller().company, request.name)
        return pb.RunConversationResponse(conversation=conversation_message(conversation))

    async def GetConversation(self, request: pb.GetConversationRequest, context: Context) -> pb.GetConversationResponse:
        conversation = await self._conversations.get(caller().company, request.name)
        return pb.GetConversationResponse(conversation=conversation_message(conversation))

    async def ListConversations(
        self, request: pb.ListConversationsRequest, context: Context
    ) -> pb.ListConversationsResponse:
        page, which = read_page(request), convert.conversation_filter(request.filter)
        found = await self._conversations.page(caller().company, which, after_id(page), page.size + 1)
        messages = [conversation_message(one) for one in found]
        shown, token = cut(messages, page, lambda message: message.name.removeprefix("conversations/"))
        return pb.ListConversationsResponse(conversations=shown, next_page_token=token)

    async def ListEvents(self, request: pb.ListEventsRequest, context: Context) -> pb.ListEventsResponse:
        page = read_page(request)
        conversation = await self._conversations.get(caller().company, request.conversation)
        stored = await self._conversations.stored_events(conversation, after_number(page, 0), page.size + 1)
        messages = [event_message(unpack(one.payload), conversation.name, one.create_time) for one in stored]
        shown, token = cut(messages, page, lambda message: message.seq)
        return pb.ListEventsResponse(events=shown, next_page_token=token)

    async def WatchConversation(
        self, request: pb.WatchConversationRequest, context: Context
    ) -> AsyncIterator[pb.WatchConversationResponse]:
        company, name = caller().company, request.name
        conversation = await self._conversations.get(company, name)
        after = read_cursor(_WATCH, name, request.cursor, conversation.last_seq)

        def message(watched: Sequence[Watched]) -> pb.WatchConversationResponse:
            rest = pb.WatchConversationResponse(cursor=_cursor(name, watched[-1].seq))
            return ready(pb.WatchConversationResponse, joined(watched) + rest.SerializeToString())

        def heartbeat(newest: Watched | None) -> pb.WatchConversationResponse:
            return pb.WatchConversationResponse(cursor=_cursor(name, newest.seq if newest else after))

        async def end() -> int | None:
            nonlocal conversation
            conversation = await self._conversations.get(company, name)
            return conversation.last_seq if conversation.state.over else None

        followed = self._tails.follow_stream(conversation.id, after)
        pages = until_over(followed, after, lambda watched: watched.seq, end)
        async for response in watch(pages, message=message, heartbeat=heartbeat, size=size):
            yield response
        # As it was found when its last event was sent: by now it may be under way again.
        summary = conversation_message(conversation)
        yield pb.WatchConversationResponse(cursor=_cursor(name, conversation.last_seq), summary=summary)

    async def CancelConversation(
        self, request: pb.CancelConversationRequest, context: Context
    ) -> pb.CancelConversationResponse:
        conversation = await self._lifecycle.cancel(caller().company, request.name)
        return pb.CancelConversationResponse(conversation=conversation_message(conversation))

    async def RetryConversation(
        self, request: pb.RetryConversationRequest, context: Context
    ) -> pb.RetryConversationResponse:
        conversation = await self._lifecycle.retry(caller().company, request.name)
        return pb.RetryConversationResponse(conversation=conversation_message(conversation))

    async def AppendEvents(self, request: pb.AppendEventsRequest, context: Context) -> pb.AppendEventsResponse:
        key = request_key(request, "AppendEvents")
        events = convert.appended_events(request)
        check_events(request.events, events)
        company, name = caller().company, request.conversation
        first, last = await self._lifecycle.append(company, name, events, request.expected_last_seq, key)
        conversation = await self._conversations.get(company, name)
        stored = await self._conversations.stored_events(conversation, first - 1, last - first + 1)
        messages = [event_message(unpack(one.payload), name, one.create_time) for one in stored]
        return pb.AppendEventsResponse(events=messages)

    async def FinishConversation(
        self, request: pb.FinishConversationRequest, context: Context
    ) -> pb.FinishConversationResponse:
        conversation = await self._lifecycle.finish(caller().company, request.name)
        return pb.FinishConversationResponse(conversation=conversation_message(conversation))

    async def DeleteConversation(
        self, request: pb.DeleteConversationRequest, context: Context
    ) -> pb.DeleteConversationResponse:
        await self._lifecycle.delete(caller().company, request.name)
        return pb.DeleteConversationResponse()


def _cursor(name: str, seq: int) -> str:
    return encode_token(_WATCH, name, seq)
