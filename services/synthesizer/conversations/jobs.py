"""The job of a conversation: resume it after its last event and advance it until it is over."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace

import structlog

from services.synthesizer.conversations.ending import close, progress
from services.synthesizer.conversations.model import Conversation, ConversationState, Wanted
from services.synthesizer.conversations.moves import Move, numbered
from services.synthesizer.conversations.store.conversations import ConversationStore
from services.synthesizer.conversations.turns import Loop
from shared.clock import Clock
from shared.db.appends import AppendConflict, StreamInterrupted
from shared.engine.jobs import Job
from shared.engine.takedowns import TookServerDown
from shared.errors import GreenroomError, Unavailable
from shared.model.conversation import State, fold
from shared.model.events import AttemptStarted, Ended, Event, Fault, Outcome
from shared.model.world import Base, World

_log = structlog.get_logger(__name__)


class ConversationJobs:
    """The engine's jobs: conversations that are PENDING or GENERATING.

    setup: makes a conversation's turn loop. resources: that a conversation starts with, beside those in its events.
    store_retry_seconds: the pause between attempts to store events.
    """

    def __init__(
        self,
        store: ConversationStore,
        setup: Callable[[Conversation], Awaitable[Loop]],
        resources: Callable[[str, tuple[str, ...]], Awaitable[Base]],
        clock: Clock,
        store_retry_seconds: float,
    ) -> None:
        self._store = store
        self._setup = setup
        self._resources = resources
        self._clock = clock
        self._store_retry_seconds = store_retry_seconds

    async def waiting(self, running: Collection[str]) -> Sequence[Job]:
        """Jobs of conversations that can run and are not in `running`."""
        return await self._store.waiting(running)

    async def unwanted(self, running: Collection[str]) -> Collection[str]:
        """Running conversations that a caller cancelled. A finished one stops itself at its next event."""
        return await self._store.cancelled(running) if running else ()

    async def run(self, job: Job) -> None:
        """Advance a conversation until it is over."""
        found = await self._store.take_up(job.id)
        if found is None or found[0].state.over:
            return
        conversation, events = found
        if conversation.wanted is not Wanted.NOTHING:
            await close(self._store, conversation, self._clock())
            return
        try:
            base = await self._resources(conversation.company, conversation.spec.mock_resources)
            await self._play(conversation, events, State(resources=World(base)))
        except Unavailable:
            raise
        except Exception as error:
            _log.error("conversation_failed", name=conversation.name, exc_info=error)
            await self._give_up(conversation, error)

    async def interrupt(self, job: Job) -> None:
        """Close a cancelled conversation after its task was stopped."""
        conversation = await self._store.find(job.id)
        if conversation is not None:
            await close(self._store, conversation, self._clock())

    async def begun(self) -> Sequence[tuple[Job, int]]:
        """The conversations that are GENERATING, each with its last seq."""
        return await self._store.begun()

    async def fail(self, job: Job, error: TookServerDown) -> None:
        """Fail a conversation that took its process down."""
        _log.error("conversation_took_server_down", name=job.name)
        conversation = await self._store.find(job.id)
        if conversation is not None:
            await self._give_up(conversation, error)

    async def _play(self, conversation: Conversation, stored: Sequence[Event], start: State) -> None:
        turns: Loop | None = None
        state = fold(stored, start)
        if conversation.state is ConversationState.PENDING:
            # Before the setup, so that a setup that takes the process down is known to have begun.
            events: Sequence[Event] = numbered([Move(AttemptStarted(state.attempt + 1))], state)
            after = fold(events, state)
        else:
            turns = await self._setup(conversation)
            events, after = await turns.advance(state)
        while events:
            try:
                await self._append(conversation, events, after)
            except StreamInterrupted:
                await close(self._store, conversation, self._clock(), pending=events)
                return
            except AppendConflict:
                # Another process closed or ran it meanwhile; continue from the stored events.
                after = fold(await self._store.events(conversation), start)
            if turns is None:
                turns = await self._setup(replace(conversation, attempt=after.attempt))
            events, after = await turns.advance(after)

    async def _append(self, conversation: Conversation, events: Sequence[Event], after: State) -> None:
        """Append events; retry while the store is unavailable, because model calls cost money.

        The event ids stay the same, so events that were stored before an answer was lost count as appended.
        """
        row = progress(after, self._clock())
        while True:
            try:
                return await self._store.append(conversation, events, row)
            except Unavailable:
                await asyncio.sleep(self._store_retry_seconds)

    async def _give_up(self, conversation: Conversation, error: Exception) -> None:
        """Fail the conversation with the fault INFRASTRUCTURE."""
        reason, detail = "INTERNAL", "An internal error occurred."
        if isinstance(error, GreenroomError):
            reason, detail = error.reason, str(error)
        ended = Ended(Outcome.FAILED, reason, detail, Fault.INFRASTRUCTURE)
        await close(self._store, conversation, self._clock(), failed=ended)
