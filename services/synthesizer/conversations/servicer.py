"""ConversationService."""

from collections.abc import AsyncIterator, Sequence

from greenroom.synthesizer.v1 import conversation_pb2 as pb
from greenroom.synthesizer.v1 import conversation_pb2_grpc
from services.synthesizer.conversations import messages as convert
from services.synthesizer.conversations.messages import EventTails, Watched, conversation_message, joined
from services.synthesizer.conversations.moves import StepFailed
from services.synthesizer.conversations.operations import Conversations
from services.synthesizer.conversations.playing import Playing
from services.synthesizer.conversations.store.conversations import ConversationStore
from shared.auth import caller
from shared.rpc.cursors import encode_token
from shared.rpc.handlers import Context, ready
from shared.rpc.pages import after_number, before, cut, list_part
from shared.rpc.paging import read_page
from shared.rpc.requests import request_key
from shared.rpc.streams import watch
from shared.rpc.watching import read_cursor, until_over
from shared.waits import Waits

_WATCH = "conversations.watch"


class ConversationServicer(conversation_pb2_grpc.ConversationServiceServicer):
    """Answers for conversations."""

    def __init__(
        self,
        conversations: Conversations,
        playing: Playing,
        store: ConversationStore,
        tails: EventTails,
        waits: Waits,
    ) -> None:
        self._conversations = conversations
        self._playing = playing
        self._store = store
        self._tails = tails
        self._waits = waits

    async def StartConversation(
        self, request: pb.StartConversationRequest, context: Context
    ) -> pb.StartConversationResponse:
        key = request_key(request, "StartConversation")
        spec = convert.spec(request.spec, "spec")
        started = await self._conversations.start(spec, caller(), create_only=request.create_only, key=key)
        return pb.StartConversationResponse(conversation=conversation_message(started))

    async def TryTool(self, request: pb.TryToolRequest, context: Context) -> pb.TryToolResponse:
        spec, call = convert.spec(request.spec, "spec"), convert.tried_call(request)
        try:
            answered = await self._conversations.try_tool(spec, caller().company, call, request.answered_before)
        except StepFailed as failed:
            return convert.failed_message(failed)
        return convert.answered_message(answered)

    async def RunConversation(self, request: pb.RunConversationRequest, context: Context) -> pb.RunConversationResponse:
        conversation = await self._conversations.run(caller().company, request.name)
        return pb.RunConversationResponse(conversation=conversation_message(conversation))

    async def GetConversation(self, request: pb.GetConversationRequest, context: Context) -> pb.GetConversationResponse:
        conversation = await self._store.get(caller().company, request.name)
        message = conversation_message(conversation, self._waits.of(conversation.id))
        return pb.GetConversationResponse(conversation=message)

    async def ListConversations(
        self, request: pb.ListConversationsRequest, context: Context
    ) -> pb.ListConversationsResponse:
        page, which = read_page(request), convert.conversation_filter(request.filter)
        found = await self._store.page(caller().company, which, list_part(request, page))
        shown, token = cut([conversation_message(one) for one in found.items], page, before)
        return pb.ListConversationsResponse(conversations=shown, next_page_token=token, total_size=found.total)

    async def ListEvents(self, request: pb.ListEventsRequest, context: Context) -> pb.ListEventsResponse:
        page = read_page(request)
        conversation = await self._store.get(caller().company, request.conversation)
        stored = await self._store.stored_events(conversation, after_number(page, 0), page.size + 1)
        messages = convert.stored_events(stored, conversation.name)
        shown, token = cut(messages, page, lambda message: message.seq)
        return pb.ListEventsResponse(events=shown, next_page_token=token)

    async def WatchConversation(
        self, request: pb.WatchConversationRequest, context: Context
    ) -> AsyncIterator[pb.WatchConversationResponse]:
        company, name = caller().company, request.name
        conversation = await self._store.get(company, name)
        after = read_cursor(_WATCH, name, request.cursor, conversation.last_seq)

        def message(watched: Sequence[Watched]) -> pb.WatchConversationResponse:
            rest = pb.WatchConversationResponse(cursor=_cursor(name, watched[-1].seq))
            return ready(pb.WatchConversationResponse, joined(watched) + rest.SerializeToString())

        def heartbeat(newest: Watched | None) -> pb.WatchConversationResponse:
            return pb.WatchConversationResponse(cursor=_cursor(name, newest.seq if newest else after))

        async def end() -> int | None:
            nonlocal conversation
            conversation = await self._store.get(company, name)
            return conversation.last_seq if conversation.state.over else None

        followed = self._tails.follow_stream(conversation.id, after)
        pages = until_over(followed, after, lambda watched: watched.seq, end)
        async for response in watch(pages, message=message, heartbeat=heartbeat, size=lambda one: one.size):
            yield response
        # The state at the last event that was sent; a retry may have resumed the conversation since.
        summary = conversation_message(conversation)
        yield pb.WatchConversationResponse(cursor=_cursor(name, conversation.last_seq), summary=summary)

    async def CancelConversation(
        self, request: pb.CancelConversationRequest, context: Context
    ) -> pb.CancelConversationResponse:
        conversation = await self._conversations.cancel(caller().company, request.name)
        return pb.CancelConversationResponse(conversation=conversation_message(conversation))

    async def RetryConversation(
        self, request: pb.RetryConversationRequest, context: Context
    ) -> pb.RetryConversationResponse:
        conversation = await self._conversations.retry(caller().company, request.name)
        return pb.RetryConversationResponse(conversation=conversation_message(conversation))

    async def AppendEvents(self, request: pb.AppendEventsRequest, context: Context) -> pb.AppendEventsResponse:
        key = request_key(request, "AppendEvents")
        events = convert.appended_events(request)
        company, name = caller().company, request.conversation
        first, last = await self._conversations.append(company, name, events, request.expected_last_seq, key)
        conversation = await self._store.get(company, name)
        stored = await self._store.stored_events(conversation, first - 1, last - first + 1)
        return pb.AppendEventsResponse(events=convert.stored_events(stored, name))

    async def PlayConversation(
        self, request: pb.PlayConversationRequest, context: Context
    ) -> pb.PlayConversationResponse:
        plays = convert.side(request.plays)
        played = await self._playing.play(caller().company, request.conversation, plays, request.after_seq)
        conversation, first, last = played
        stored = await self._store.stored_events(conversation, first - 1, last - first + 1)
        return pb.PlayConversationResponse(events=convert.stored_events(stored, conversation.name))

    async def FinishConversation(
        self, request: pb.FinishConversationRequest, context: Context
    ) -> pb.FinishConversationResponse:
        conversation = await self._conversations.finish(caller().company, request.name)
        return pb.FinishConversationResponse(conversation=conversation_message(conversation))

    async def DeleteConversation(
        self, request: pb.DeleteConversationRequest, context: Context
    ) -> pb.DeleteConversationResponse:
        await self._conversations.delete(caller().company, request.name)
        return pb.DeleteConversationResponse()


def _cursor(name: str, seq: int) -> str:
    return encode_token(_WATCH, name, seq)
