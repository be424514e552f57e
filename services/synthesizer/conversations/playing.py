"""Plays the other side of a manual conversation, one step at a time."""

import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace

from services.synthesizer.conversations.ending import progress
from services.synthesizer.conversations.errors import NotOpen, NotPlayable, TurnFailed
from services.synthesizer.conversations.model import (
    BUILT_IN_AGENT,
    Conversation,
    ConversationState,
    ConversationType,
    Side,
)
from services.synthesizer.conversations.start import Limits, check_features
from services.synthesizer.conversations.store.conversations import ConversationStore
from services.synthesizer.conversations.turns import Loop
from shared.clock import Clock
from shared.db.appends import AppendConflict, StreamInterrupted
from shared.model.conversation import Next, State, fold
from shared.model.events import Outcome
from shared.model.world import Base, World

MOST_EVENTS = 100
_PLAYED = {
    Side.USER: frozenset({Next.AGENT, Next.TOOL, Next.NOBODY}),
    Side.AGENT: frozenset({Next.PERSONA, Next.TOOL, Next.NOBODY}),
}
"""What is played for a caller who plays this side."""


class Playing:
    """Plays manual conversations. setup: makes a turn loop. resources: that a conversation starts with."""

    def __init__(
        self,
        store: ConversationStore,
        setup: Callable[[Conversation], Awaitable[Loop]],
        resources: Callable[[str, tuple[str, ...]], Awaitable[Base]],
        limits: Limits,
        clock: Clock,
    ) -> None:
        self._store = store
        self._setup = setup
        self._resources = resources
        self._limits = limits
        self._clock = clock

    async def play(self, company: str, name: str, plays: Side, after_seq: int) -> tuple[Conversation, int, int]:
        """Play one step and return the conversation with the seqs of the first and last new event.

        The last is lower than the first if it is the turn of the side that the caller plays.
        A step that fails stores nothing. Raises NotOpen, NotPlayable, FeatureOff, TurnFailed.
        """
        conversation = await self._store.get(company, name)
        if after_seq and after_seq < conversation.last_seq:
            return conversation, after_seq + 1, min(after_seq + MOST_EVENTS, conversation.last_seq)
        if conversation.state is not ConversationState.OPEN:
            raise NotOpen(name=name, state=conversation.state)
        _check_sides(conversation)
        base = await self._resources(company, conversation.spec.mock_resources)
        state = fold(await self._store.events(conversation), State(resources=World(base)))
        if state.next not in _PLAYED[plays]:
            return conversation, state.last_seq + 1, state.last_seq
        spec = replace(conversation.spec, type=ConversationType.SYNTHETIC, max_turns=sys.maxsize)
        await check_features(spec, company, self._limits)
        turns = await self._setup(replace(conversation, spec=spec))
        events, after = await turns.advance(state)
        if after.ended is not None and after.ended.outcome is not Outcome.COMPLETED:
            raise TurnFailed(why=after.ended.detail)
        try:
            await self._store.append(conversation, events, progress(after, self._clock(), manual=True))
        except AppendConflict:
            # Another call appended first; its events are returned.
            return await self.play(company, name, plays, state.last_seq)
        except StreamInterrupted as error:
            raise NotOpen(name=name, state="being closed") from error
        return conversation, events[0].seq, after.last_seq


def _check_sides(conversation: Conversation) -> None:
    """Raise NotPlayable unless both sides are named."""
    spec = conversation.spec
    if conversation.persona is None:
        raise NotPlayable(name=conversation.name, what="persona")
    if not spec.procedure and (spec.agent is None or spec.agent.kind == BUILT_IN_AGENT):
        raise NotPlayable(name=conversation.name, what="procedure, which the built-in agent needs,")
