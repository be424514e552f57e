"""How a conversation ends because somebody asked for it, or because it broke."""

from collections.abc import Collection, Mapping, Sequence

from services.synthesizer.conversations.model import Conversation, ConversationState, Wanted
from services.synthesizer.conversations.ports import ConversationStore, Progress
from services.synthesizer.conversations.rehearsal import Move, numbered
from shared.db.appends import AppendConflict, StreamNotFound
from shared.model.conversation import State, fold
from shared.model.digest import transcript_digest
from shared.model.events import Ended, Event, Outcome

ENDINGS: Mapping[Wanted, Ended] = {
    Wanted.CANCEL: Ended(Outcome.CANCELLED, "CANCELLED", "Somebody cancelled it."),
    Wanted.FINISH: Ended(Outcome.COMPLETED, "FINISHED", "Somebody finished it."),
}

NO_JOB = frozenset({ConversationState.CREATED, ConversationState.PENDING, ConversationState.OPEN})
"""The states of conversations that no job has; one that takes a PENDING one up just now finds it ended."""

GOING_ON = NO_JOB | {ConversationState.GENERATING}


def progress(state: State, at: int, *, manual: bool = False) -> Progress:
    """What the row of a conversation says beside events whose fold is state."""
    if state.ended is None:
        return Progress(ConversationState.OPEN if manual else ConversationState.GENERATING, state, "", at)
    digest = transcript_digest(state.transcript)
    return Progress(ConversationState(state.ended.outcome), state, digest, at)


async def close(
    store: ConversationStore,
    conversation: Conversation,
    at: int,
    *,
    pending: Sequence[Event] = (),
    among: Collection[ConversationState] = GOING_ON,
) -> None:
    """End a conversation as somebody asked, unless that was done or taken back.

    pending: events that were on their way; a finished conversation keeps them, a cancelled one does not.
    among: the states in which it is to be ended; in others it is left to whoever has it.
    """
    await _end(store, conversation, None, at, pending, among)


async def give_up(store: ConversationStore, conversation: Conversation, ended: Ended, at: int) -> None:
    """End a conversation for a reason of ours, unless it is over."""
    await _end(store, conversation, ended, at, (), GOING_ON)


async def _end(
    store: ConversationStore,
    conversation: Conversation,
    reason: Ended | None,
    at: int,
    pending: Sequence[Event],
    among: Collection[ConversationState],
) -> None:
    while True:
        state = fold(await store.events(conversation))
        current = await store.find(conversation.id)
        if current is None or current.state not in among:
            return
        ended = reason or ENDINGS.get(current.wanted)
        if ended is None:
            return
        if current.last_seq != state.last_seq:
            continue  # It went on between the two reads. The row alone tells a failure from its retry.
        events: list[Event] = []
        if current.wanted is Wanted.FINISH and pending and pending[0].seq == state.last_seq + 1:
            events = list(pending)
            state = fold(events, state)
        if state.ended is None or not events:
            ending = numbered([Move(ended)], state)
            events += ending
            state = fold(ending, state)
        try:
            await store.append(conversation, events, progress(state, at), final=True)
        except AppendConflict:
            continue
        except StreamNotFound:
            return
        return
