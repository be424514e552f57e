"""How a conversation ends because somebody asked for it."""

from collections.abc import Mapping, Sequence

from services.synthesizer.conversations.model import Conversation, ConversationState, ConversationType, Wanted
from services.synthesizer.conversations.ports import ConversationStore, Progress
from services.synthesizer.conversations.rehearsal import Move, numbered
from shared.db.appends import AppendConflict
from shared.model.conversation import State, fold
from shared.model.digest import transcript_digest
from shared.model.events import Ended, Event, Outcome

ENDINGS: Mapping[Wanted, Ended] = {
    Wanted.CANCEL: Ended(Outcome.CANCELLED, "CANCELLED", "Somebody cancelled it."),
    Wanted.FINISH: Ended(Outcome.COMPLETED, "FINISHED", "Somebody finished it."),
}


def progress(state: State, at: int, *, manual: bool = False) -> Progress:
    """What the row of a conversation says beside events whose fold is state."""
    if state.ended is None:
        return Progress(ConversationState.OPEN if manual else ConversationState.GENERATING, state, "", at)
    digest = transcript_digest(state.transcript)
    return Progress(ConversationState(state.ended.outcome), state, digest, at)


async def close(
    store: ConversationStore, conversation: Conversation, wanted: Wanted, at: int, pending: Sequence[Event] = ()
) -> bool:
    """End a conversation as wanted; whether that was still to be done.

    pending: events that were on their way; a finished conversation keeps them, a cancelled one does not.
    """
    state = fold(await store.events(conversation))
    if state.ended is not None and conversation.state is not ConversationState.PENDING:
        return False
    events: list[Event] = []
    if wanted is Wanted.FINISH:
        events = list(pending)
        state = fold(events, state)
    if state.ended is None or not events:
        ending = numbered([Move(ENDINGS[wanted])], state)
        events += ending
        state = fold(ending, state)
    manual = conversation.spec.type is ConversationType.MANUAL
    try:
        await store.append(conversation, events, progress(state, at, manual=manual), final=True)
    except AppendConflict:
        return False
    return True
