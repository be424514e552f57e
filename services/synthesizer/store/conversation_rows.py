"""Between a conversation and its row."""

from dataclasses import replace

from sqlalchemy import ColumnElement, Row

from services.synthesizer.conversations.model import (
    Conversation,
    ConversationFilter,
    ConversationSpec,
    ConversationState,
    Wanted,
)
from services.synthesizer.conversations.ports import Progress
from services.synthesizer.persona import Persona
from services.synthesizer.store.tables import conversations
from shared.model.conversation import State
from shared.model.events import Ended, Fault, Outcome, Usage


def conversation_row(conversation: Conversation) -> dict[str, object]:
    """The row of a conversation that is new."""
    spec = conversation.spec
    return {
        "id": conversation.id,
        "company": conversation.company,
        "type": spec.type,
        "state": conversation.state,
        "batch": conversation.batch,
        "batch_index": conversation.index,
        "procedure": spec.procedure.removeprefix("procedures/"),
        "revision": spec.revision,
        "source": spec.source.removeprefix("sources/"),
        "persona": spec.persona.removeprefix("personas/"),
        "based_on": spec.based_on.conversation.removeprefix("conversations/") if spec.based_on else "",
        "external_id": spec.external_id,
        "creator": conversation.creator,
        "max_turns": spec.max_turns,
        "turns": conversation.turns,
        "last_seq": conversation.last_seq,
        "attempt": conversation.attempt,
        "model_calls": 0,
        "input_tokens": 0,
        "output_tokens": 0,
        "reason": "",
        "detail": "",
        "fault": "",
        "digest": "",
        "wanted": "",
        "create_time": conversation.create_time,
        "end_time": 0,
    }


def read_conversation(row: Row[tuple[object, ...]], terms: ConversationSpec, persona: Persona | None) -> Conversation:
    """The conversation of a row; terms: its spec, or what all conversations of its batch have in common."""
    spec = replace(
        terms,
        procedure=_name("procedures", row.procedure),
        revision=row.revision,
        source=_name("sources", row.source),
        persona=_name("personas", row.persona),
    )
    state = ConversationState(row.state)
    ended = None
    if state.over:
        ended = Ended(Outcome(row.state), row.reason, row.detail, Fault(row.fault) if row.fault else None)
    return Conversation(
        id=row.id,
        company=row.company,
        state=state,
        spec=spec,
        persona=persona,
        batch=row.batch,
        index=row.batch_index,
        creator=row.creator,
        create_time=row.create_time,
        turns=row.turns,
        last_seq=row.last_seq,
        attempt=row.attempt,
        usage=Usage(row.model_calls, row.input_tokens, row.output_tokens),
        ended=ended,
        digest=row.digest,
        wanted=Wanted(row.wanted),
        end_time=row.end_time,
    )


def _name(collection: str, key: str) -> str:
    return f"{collection}/{key}" if key else ""


def stands_row(conversation_id: str, fold: State) -> dict[str, object]:
    """What every append changes in a row, as the parameters of `GOES_ON`."""
    return {
        "of": conversation_id,
        "new_turns": fold.turns,
        "new_last_seq": fold.last_seq,
        "new_attempt": fold.attempt,
        "new_model_calls": fold.usage.model_calls,
        "new_input_tokens": fold.usage.input_tokens,
        "new_output_tokens": fold.usage.output_tokens,
    }


def end_row(ended: Ended, progress: Progress) -> dict[str, object]:
    """What `ENDS` sets beside that."""
    return {
        "new_state": progress.state,
        "new_reason": ended.reason,
        "new_detail": ended.detail,
        "new_fault": ended.fault or "",
        "new_digest": progress.digest,
        "new_end_time": progress.at,
    }


def conditions(wanted: ConversationFilter) -> list[ColumnElement[bool]]:
    """What a filter asks of a row."""
    columns = conversations.c
    pairs = (
        (columns.state, wanted.state),
        (columns.type, wanted.type),
        (columns.batch, wanted.batch.removeprefix("batches/")),
        (columns.procedure, wanted.procedure.removeprefix("procedures/")),
        (columns.source, wanted.source.removeprefix("sources/")),
        (columns.external_id, wanted.external_id),
    )
    return [column == value for column, value in pairs if value]
