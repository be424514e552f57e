"""What callers do with conversations: start, run, cancel, retry, append, finish, delete."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import assert_never

from services.synthesizer.conversations.catalog import Catalog
from services.synthesizer.conversations.ending import NO_JOB, close, progress
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
from services.synthesizer.conversations.mocked_tools import MockedTools, SharedMocks
from services.synthesizer.conversations.model import (
    Conversation,
    ConversationSpec,
    ConversationState,
    ConversationType,
    Wanted,
)
from services.synthesizer.conversations.start import (
    Limits,
    Resolved,
    first_events,
    recorded,
    resolve,
    resolve_tools,
)
from services.synthesizer.conversations.store.conversations import ConversationStore
from services.synthesizer.tool_configs.answers import Answered
from services.synthesizer.tool_configs.replies.kind import CallContext
from shared.auth import Caller
from shared.clock import Clock
from shared.db.appends import AppendConflict, StreamInterrupted
from shared.errors import Violation
from shared.ids import new_id
from shared.model.conversation import State, evolve, fold
from shared.model.draws import draw
from shared.model.events import (
    AgentMessage,
    AttemptStarted,
    Ended,
    Event,
    Opened,
    ToolCall,
    ToolResult,
    UserMessage,
    Waited,
)
from shared.model.world import World
from shared.requests import RequestKey, first_result


class Conversations:
    """The operations on single conversations."""

    def __init__(self, store: ConversationStore, catalog: Catalog, limits: Limits, clock: Clock) -> None:
        self._store = store
        self._catalog = catalog
        self._limits = limits
        self._clock = clock

    async def start(
        self, spec: ConversationSpec, caller: Caller, *, create_only: bool, key: RequestKey | None
    ) -> Conversation:
        """Create a conversation and start it unless create_only.

        Raises what `resolve` does, RequestIdReused, ResultDeleted.
        """
        if key is not None and (earlier := await self._store.earlier(caller.company, key)) is not None:
            return await first_result(key, earlier, self._store.get(caller.company, earlier))
        resolved = await self.resolved(spec, caller)
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

    async def resolved(self, spec: ConversationSpec, caller: Caller) -> Resolved:
        """The spec as a conversation that starts now has it. Raises what `resolve` does."""
        return await resolve(spec, caller, self._catalog, self._store, self._limits, "spec")

    async def try_tool(self, spec: ConversationSpec, company: str, call: ToolCall, answered_before: int) -> Answered:
        """The answer to a call in a conversation with this spec. Raises StepFailed, and what `resolve_tools` does."""
        resolved = await resolve_tools(spec, company, self._catalog, self._store, self._limits, "spec")
        spec = resolved.spec
        state = fold(first_events(resolved), State(resources=World(resolved.resources)))
        rules = next((mock.rules for mock in spec.tool_config.mocks if mock.tool == call.tool), ())
        answered = {(call.tool, index): answered_before for index in range(len(rules))}
        mocks = SharedMocks.of(spec.tool_config)
        tools = MockedTools(resolved.revision, mocks, recorded(resolved), self._limits.offload)
        return await tools.answer(
            call, CallContext(state.resources, answered, partial(draw, spec.seed, 0, state.undisturbed_seq))
        )

    async def run(self, company: str, name: str) -> Conversation:
        """Start a CREATED conversation; return any other unchanged. Raises NotCreated, RunByBatch."""
        conversation = await self._store.get(company, name)
        if conversation.state is ConversationState.OPEN:
            raise NotCreated(name=name, state=conversation.state)
        if conversation.state is ConversationState.CREATED:
            if conversation.batch is not None:
                raise RunByBatch(name=name, batch=f"batches/{conversation.batch}")
            await self._store.let_run(conversation)
        return await self._store.get(company, name)

    async def cancel(self, company: str, name: str) -> Conversation:
        """Cancel a conversation that is not over. Raises NotCancellable if it is COMPLETED or FAILED."""
        conversation = await self._store.get(company, name)
        if conversation.state is ConversationState.CANCELLED:
            return conversation
        if conversation.state.over:
            raise NotCancellable(name=name, state=conversation.state)
        return await self._stop(conversation, Wanted.CANCEL)

    async def finish(self, company: str, name: str) -> Conversation:
        """Complete a manual conversation now, a synthetic one at its next event. Raises NotFinishable."""
        conversation = await self._store.get(company, name)
        if conversation.state.over:
            raise NotFinishable(name=name, state=conversation.state)
        return await self._stop(conversation, Wanted.FINISH)

    async def _stop(self, conversation: Conversation, wanted: Wanted) -> Conversation:
        await self._store.want(conversation, wanted)
        await close(self._store, conversation, self._clock(), among=NO_JOB)
        return await self._store.get(conversation.company, conversation.name)

    async def retry(self, company: str, name: str) -> Conversation:
        """Resume a FAILED conversation at the step that failed. Raises NotFailed, BatchCancelled."""
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
        """Append events to an OPEN manual conversation and return their first and last seq.

        events: only their body and `at` are read; `at` 0 means the virtual time of the event before.
        expected_last_seq: 0 accepts any. Raises NotOpen, SeqMoved, BadEvent, RequestIdReused.
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
            new, after = _numbered(events, state)
            try:
                row = progress(after, self._clock(), manual=True)
                await self._store.append(conversation, new, row, key=key)
            except AppendConflict:
                # Another call appended first; it may be this same request, sent twice.
                continue
            except StreamInterrupted as error:
                raise NotOpen(name=name, state="being closed") from error
            return new[0].seq, new[-1].seq

    async def delete(self, company: str, name: str) -> None:
        """Delete a conversation that is over. Raises NotOver, StillNeeded."""
        conversation = await self._store.get(company, name)
        if not conversation.state.over:
            raise NotOver(name=name, state=conversation.state)
        if conversation.batch is not None:
            raise StillNeeded(name=name, by=f"batches/{conversation.batch}")
        if not await self._store.delete(conversation):
            raise NotOver(name=name, state="being retried")


def _calls(state: State) -> tuple[set[str], set[str]]:
    """The ids of all calls so far, and of those without an answer."""
    calls: set[str] = set()
    unanswered: set[str] = set()
    for event in state.transcript:
        match event.body:
            case ToolCall(call_id):
                calls.add(call_id)
                unanswered.add(call_id)
            case ToolResult(call_id):
                unanswered.discard(call_id)
            case _:
                pass
    return calls, unanswered


def _numbered(events: Sequence[Event], state: State) -> tuple[list[Event], State]:
    """The events with ids, seqs and times, and the fold after them. Raises BadEvent."""
    numbered: list[Event] = []
    wrong: list[Violation] = []

    def blame(index: int, path: str, sentence: str) -> None:
        wrong.append(Violation(f"events[{index}]{path}", sentence))

    calls, unanswered = _calls(state)
    for index, event in enumerate(events):
        at = event.at or state.now
        match event.body:
            case ToolCall(call_id):
                if not call_id or call_id in unanswered:
                    sentence = "Must be set, and differ from the ids of calls that are not answered yet."
                    blame(index, ".tool_call.call_id", sentence)
                calls.add(call_id)
                unanswered.add(call_id)
            case ToolResult(call_id):
                if call_id not in calls:
                    blame(index, ".tool_result.call_id", "Must be the id of an earlier call.")
                unanswered.discard(call_id)
            case UserMessage() | AgentMessage():
                pass
            case Opened() | Waited() | AttemptStarted() | Ended():
                blame(index, "", "Must be a user message, an agent message, a tool call or a tool result.")
            case _:
                assert_never(event.body)
        if at < state.now:
            blame(index, ".virtual_time", "Must not be before the virtual time of the previous event.")
        event = replace(event, id=new_id(), seq=state.last_seq + 1, at=at, turn=state.turns, copied=False)
        if isinstance(event.body, UserMessage):
            event = replace(event, turn=state.turns + 1)
        numbered.append(event)
        state = evolve(state, event)
    if wrong:
        raise BadEvent(violations=wrong)
    return numbered, state
