"""The job of a conversation: take it up where its events end, and advance it until it is over."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence

import structlog

from services.synthesizer.conversations.closing import close, give_up, progress
from services.synthesizer.conversations.model import Conversation, ConversationState, Wanted
from services.synthesizer.conversations.ports import ConversationStore
from services.synthesizer.conversations.rehearsal import Move, Rehearsal, numbered
from services.synthesizer.ports import Clock
from shared.db.appends import AppendConflict, StreamInterrupted
from shared.engine.jobs import Job
from shared.errors import GreenroomError, Unavailable
from shared.model.conversation import State, fold
from shared.model.events import AttemptStarted, Ended, Event, Fault, Outcome

STORE_PAUSE = 1.0
"""Seconds between two attempts to store what is there to be stored."""

_log = structlog.get_logger(__name__)

Cast = Callable[[Conversation], Awaitable[Rehearsal]]
"""Looks up everything that a conversation's steps need."""


class ConversationJobs:
    """The engine's jobs: conversations that are PENDING or GENERATING."""

    def __init__(self, store: ConversationStore, cast: Cast, clock: Clock) -> None:
        self._store = store
        self._cast = cast
        self._clock = clock

    async def waiting(self, running: Collection[str]) -> Sequence[Job]:
        """Conversations to take up."""
        return await self._store.waiting(running)

    async def unwanted(self, running: Collection[str]) -> Collection[str]:
        """Running conversations that somebody asked to cancel; one that is to be finished runs to its next event."""
        return await self._store.cancelled(running) if running else ()

    async def run(self, job: Job) -> None:
        """Advance a conversation until it is over."""
        found = await self._store.take_up(job.name)
        if found is None or found[0].state.over:
            return
        conversation, events = found
        if conversation.wanted is not Wanted.NOTHING:
            await close(self._store, conversation, self._clock())
            return
        state = fold(events)
        try:
            await self._rehearse(conversation, state)
        except Unavailable:
            raise
        except Exception as error:
            _log.error("conversation_broke", name=conversation.name, exc_info=error)
            await self._give_up(conversation, error)

    async def interrupt(self, job: Job) -> None:
        """Close a cancelled conversation whose call under way was aborted."""
        conversation = await self._store.find(job.name)
        if conversation is not None:
            await close(self._store, conversation, self._clock())

    async def _rehearse(self, conversation: Conversation, state: State) -> None:
        rehearsal = await self._cast(conversation)
        if conversation.state is ConversationState.PENDING:
            events: Sequence[Event] = numbered([Move(AttemptStarted(state.attempt + 1))], state)
            after = fold(events, state)
        else:
            events, after = await rehearsal.advance(state)
        while events:
            try:
                await self._append(conversation, events, after)
            except StreamInterrupted:
                await close(self._store, conversation, self._clock(), pending=events)
                return
            except AppendConflict:
                # Somebody closed it, or another process had it meanwhile: the log is right.
                after = fold(await self._store.events(conversation))
            events, after = await rehearsal.advance(after)

    async def _append(self, conversation: Conversation, events: Sequence[Event], after: State) -> None:
        """Append, and again while the store is out of order: what a model was paid for is not thrown away.

        The events keep their ids: if they were stored and only the answer was lost, they count as appended.
        """
        stands = progress(after, self._clock())
        while True:
            try:
                return await self._store.append(conversation, events, stands)
            except Unavailable:
                await asyncio.sleep(STORE_PAUSE)

    async def _give_up(self, conversation: Conversation, error: Exception) -> None:
        """Fail the conversation for a reason that is neither the agent's nor the persona's."""
        reason, detail = "INTERNAL", "An internal error occurred."
        if isinstance(error, GreenroomError):
            reason, detail = error.reason, str(error)
        ended = Ended(Outcome.FAILED, reason, detail, Fault.INFRASTRUCTURE)
        await give_up(self._store, conversation, ended, self._clock())
