"""Ends a conversation because a caller asked for it, or because it failed."""

from collections.abc import Collection, Mapping, Sequence

from services.synthesizer.conversations.model import NOT_NEEDED, Conversation, ConversationState, Progress, Wanted
from services.synthesizer.conversations.moves import Move, numbered
from services.synthesizer.conversations.store.conversations import ConversationStore
from shared.db.appends import AppendConflict, StreamNotFound
from shared.model.conversation import State, fold
from shared.model.digest import transcript_digest
from shared.model.events import Ended, Event, Outcome

ENDINGS: Mapping[Wanted, Ended] = {
    Wanted.CANCEL: Ended(Outcome.CANCELLED, "CANCELLED", "Somebody cancelled it."),
    Wanted.FINISH: Ended(Outcome.COMPLETED, "FINISHED", "Somebody finished it."),
    Wanted.LEAVE_OUT: Ended(Outcome.CANCELLED, NOT_NEEDED, "It was not needed and has not begun."),
}

NO_JOB = frozenset({ConversationState.CREATED, ConversationState.PENDING, ConversationState.OPEN})
"""States in which no job runs the conversation. A job that takes up a PENDING one afterwards finds that it ended."""

NOT_OVER = NO_JOB | {ConversationState.GENERATING}


def progress(state: State, at: int, *, manual: bool = False) -> Progress:
    """The columns of a conversation's row for this state, the fold of its events."""
    if state.ended is None:
        return Progress(ConversationState.OPEN if manual else ConversationState.GENERATING, state, "", at)
    digest = transcript_digest(state.transcript)
    return Progress(ConversationState(state.ended.outcome), state, digest, at)


async def close(
    store: ConversationStore,
    conversation: Conversation,
    at: int,
    *,
    failed: Ended | None = None,
    pending: Sequence[Event] = (),
    among: Collection[ConversationState] = NOT_OVER,
) -> None:
    """End a conversation as `failed` says, or as a caller asked. Do nothing if it is over or the request was withdrawn.

    pending: events that were not stored yet; a finished conversation keeps them, a cancelled one does not.
    among: do nothing if the conversation is in another state than these.
    """
    while True:
        state = fold(await store.events(conversation))
        current = await store.find(conversation.id)
        if current is None or current.state not in among:
            return
        ended = failed or ENDINGS.get(current.wanted)
        if ended is None:
            return
        if current.last_seq != state.last_seq:
            continue  # Events were appended between the two reads; read the row again, it may have been retried.
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
            pass
        return
