"""What callers do with conversations: start, run, cancel, retry, append, finish, delete."""

from collections.abc import Sequence
from dataclasses import replace

from services.synthesizer.conversations.closing import NO_JOB, close, progress
from services.synthesizer.conversations.errors import (
    BadEvent,
    BatchCancelled,
    NotCancellable,
    NotCreated,
    NotFailed,
    NotFinishable,
    NotOpen,
    NotOver,
    RunByBatch,
    SeqMoved,
    StillNeeded,
)
from services.synthesizer.conversations.model import (
    Conversation,
    ConversationSpec,
    ConversationState,
    ConversationType,
    Wanted,
)
from services.synthesizer.conversations.opening import Catalog, Limits, first_events, resolve
from services.synthesizer.conversations.ports import ConversationStore
from services.synthesizer.ports import Clock
from shared.auth import Caller
from shared.db.appends import AppendConflict, StreamInterrupted
from shared.errors import Violation
from shared.ids import new_id
from shared.model.conversation import State, evolve, fold
from shared.model.events import AgentMessage, Event, ToolCall, ToolResult, UserMessage
from shared.requests import RequestKey, first_result

_APPENDABLE = UserMessage | AgentMessage | ToolCall | ToolResult


class Lifecycle:
    """The operations on single conversations."""

    def __init__(self, store: ConversationStore, catalog: Catalog, limits: Limits, clock: Clock) -> None:
        self._store = store
        self._catalog = catalog
        self._limits = limits
        self._clock = clock

    async def start(
        self, spec: ConversationSpec, caller: Caller, *, create_only: bool, key: RequestKey | None
    ) -> Conversation:
        """Create a conversation and, unless create_only, let it run.

        Raises what `resolve` does, RequestIdReused, ResultDeleted.
        """
        if key is not None and (earlier := await self._store.earlier(caller.company, key)) is not None:
            return await first_result(key, earlier, self._store.get(caller.company, earlier))
        resolved = await resolve(spec, caller.company, self._catalog, self._store, self._limits, "spec")
        events = first_events(resolved)
        manual = resolved.spec.type is ConversationType.MANUAL
        state = ConversationState.CREATED if create_only else ConversationState.PENDING
        conversation = Conversation(
            id=new_id(),
            company=caller.company,
            state=ConversationState.OPEN if manual else state,
            spec=resolved.spec,
            persona=resolved.persona,
            batch=None,
            index=0,
            creator=caller.subject,
            create_time=self._clock(),
            last_seq=len(events),
        )
        name = await self._store.create(conversation, events, key)
        return await self._store.get(caller.company, name)

    async def run(self, company: str, name: str) -> Conversation:
        """Let a CREATED conversation run; one that runs or ran is returned as it is. Raises NotCreated, RunByBatch."""
        conversation = await self._store.get(company, name)
        if conversation.state is ConversationState.OPEN:
            raise NotCreated(name=name, state=conversation.state)
        if conversation.state is ConversationState.CREATED:
            if conversation.batch is not None:
                raise RunByBatch(name=name, batch=f"batches/{conversation.batch}")
            await self._store.let_run(conversation)
        return await self._store.get(company, name)

    async def cancel(self, company: str, name: str) -> Conversation:
        """Cancel a conversation that is not over; raises NotCancellable if it ended otherwise."""
        conversation = await self._store.get(company, name)
        if conversation.state is ConversationState.CANCELLED:
            return conversation
        if conversation.state.over:
            raise NotCancellable(name=name, state=conversation.state)
        return await self._stop(conversation, Wanted.CANCEL)

    async def finish(self, company: str, name: str) -> Conversation:
        """Complete a manual conversation at once, a synthetic one at its next event; raises NotFinishable."""
        conversation = await self._store.get(company, name)
        if conversation.state.over:
            raise NotFinishable(name=name, state=conversation.state)
        return await self._stop(conversation, Wanted.FINISH)

    async def _stop(self, conversation: Conversation, wanted: Wanted) -> Conversation:
        await self._store.want(conversation, wanted)
        await close(self._store, conversation, self._clock(), among=NO_JOB)
        return await self._store.get(conversation.company, conversation.name)

    async def retry(self, company: str, name: str) -> Conversation:
        """Let a FAILED conversation go on at the step that failed; raises NotFailed, BatchCancelled."""
        conversation = await self._store.get(company, name)
        if conversation.state is not ConversationState.FAILED:
            raise NotFailed(name=name, state=conversation.state)
        retried = await self._store.retry(conversation)
        current = await self._store.get(company, name)
        if not retried and current.state is ConversationState.FAILED:
            raise BatchCancelled(name=name, batch=f"batches/{current.batch}")
        return current

    async def append(
        self, company: str, name: str, events: Sequence[Event], expected_last_seq: int, key: RequestKey | None
    ) -> tuple[int, int]:
        """Append events to an OPEN manual conversation and return the first and last seq that they got.

        events: only body and `at` count; at 0 is the virtual time of the event before.
        expected_last_seq: 0 for wherever it stands. Raises NotOpen, SeqMoved, BadEvent, RequestIdReused.
        """
        conversation = await self._store.get(company, name)
        while True:
            if key is not None and (earlier := await self._store.appended(company, key)) is not None:
                return earlier
            if conversation.state is not ConversationState.OPEN:
                raise NotOpen(name=name, state=conversation.state)
            state = fold(await self._store.events(conversation))
            if expected_last_seq and state.last_seq != expected_last_seq:
                raise SeqMoved(name=name, last_seq=state.last_seq, expected=expected_last_seq)
            placed, after = _placed(events, state)
            try:
                stands = progress(after, self._clock(), manual=True)
                await self._store.append(conversation, placed, stands, key=key)
            except AppendConflict:
                # Another call was first: the same one sent twice, or one after which these events still follow.
                continue
            except StreamInterrupted as error:
                raise NotOpen(name=name, state="being closed") from error
            return placed[0].seq, placed[-1].seq

    async def delete(self, company: str, name: str) -> None:
        """Remove a conversation that is over; raises NotOver, StillNeeded."""
        conversation = await self._store.get(company, name)
        if not conversation.state.over:
            raise NotOver(name=name, state=conversation.state)
        if conversation.batch is not None:
            raise StillNeeded(name=name, by=f"batches/{conversation.batch}")
        if not await self._store.delete(conversation):
            raise NotOver(name=name, state="being retried")


def _placed(events: Sequence[Event], state: State) -> tuple[list[Event], State]:
    """The events with ids, seqs and times, and the fold after them; raises BadEvent."""
    placed: list[Event] = []
    wrong: list[Violation] = []
    calls = {event.body.call_id for event in state.transcript if isinstance(event.body, ToolCall)}
    for index, event in enumerate(events):
        at = event.at or state.now
        match event.body:
            case ToolCall(call_id) if not call_id or call_id in calls:
                wrong.append(Violation(f"events[{index}].tool_call.call_id", "Must be given, and be new."))
            case ToolCall(call_id):
                calls.add(call_id)
            case ToolResult(call_id) if call_id not in calls:
                wrong.append(Violation(f"events[{index}].tool_result.call_id", "Must name a call before it."))
            case body if not isinstance(body, _APPENDABLE):
                description = "Must be a user message, an agent message, a tool call or a tool result."
                wrong.append(Violation(f"events[{index}]", description))
        if at < state.now:
            wrong.append(Violation(f"events[{index}].virtual_time", "Must not lie before that of the event before."))
        event = replace(event, id=new_id(), seq=state.last_seq + 1, at=at, turn=state.turns, copied=False)
        if isinstance(event.body, UserMessage):
            event = replace(event, turn=state.turns + 1)
        placed.append(event)
        state = evolve(state, event)
    if wrong:
        raise BadEvent(violations=wrong)
    return placed, state
