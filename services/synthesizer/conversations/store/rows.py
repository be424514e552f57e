"""Converts conversations to rows and back."""

from dataclasses import replace

from sqlalchemy import ColumnElement, Row

from services.synthesizer.conversations.model import (
    Conversation,
    ConversationFilter,
    ConversationSpec,
    ConversationState,
    Progress,
    Wanted,
)
from services.synthesizer.conversations.store.tables import USAGE, conversations
from services.synthesizer.personas.model import Persona
from shared.model.conversation import State
from shared.model.events import Ended, Fault, Outcome, Usage


def conversation_row(conversation: Conversation) -> dict[str, object]:
    """The row of a new conversation."""
    spec = conversation.spec
    agent, persona_target = spec.called_agent, spec.called_persona_target
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
        "batch_limit": conversation.batch_limit,
        "agent": agent.key if agent else "",
        "agent_limit": agent.max_in_flight if agent else 0,
        "persona_target": persona_target.key if persona_target else "",
        "persona_target_limit": persona_target.max_in_flight if persona_target else 0,
        "agent_pull_request": spec.agent_pull_request,
        "persona_agent_pull_request": spec.persona_agent_pull_request,
        "turns": conversation.turns,
        "repeats": conversation.repeats,
        "flags": conversation.flags,
        "last_seq": conversation.last_seq,
        "attempt": conversation.attempt,
        **dict.fromkeys(USAGE, 0),
        "reason": "",
        "detail": "",
        "fault": "",
        "digest": "",
        "wanted": "",
        "create_time": conversation.create_time,
        "end_time": 0,
    }


def read_conversation(row: Row[tuple[object, ...]], terms: ConversationSpec, persona: Persona | None) -> Conversation:
    """The conversation of a row. terms: its spec, or the part that the conversations of its batch share."""
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
        batch_limit=row.batch_limit,
        creator=row.creator,
        create_time=row.create_time,
        turns=row.turns,
        repeats=row.repeats,
        flags=row.flags,
        last_seq=row.last_seq,
        attempt=row.attempt,
        usage=Usage(*(row._mapping[column] for column in USAGE)),
        ended=ended,
        digest=row.digest,
        wanted=Wanted(row.wanted),
        end_time=row.end_time,
    )


def _name(collection: str, key: str) -> str:
    return f"{collection}/{key}" if key else ""


def stands_row(conversation_id: str, fold: State) -> dict[str, object]:
    """The columns that every append changes, as parameters of `GOES_ON`."""
    return {
        "of": conversation_id,
        "new_turns": fold.turns,
        "new_repeats": fold.repeats,
        "new_flags": fold.flags,
        "new_last_seq": fold.last_seq,
        "new_attempt": fold.attempt,
        **{f"new_{column}": getattr(fold.usage, column) for column in USAGE},
    }


def end_row(ended: Ended, progress: Progress) -> dict[str, object]:
    """The further parameters of `ENDS`."""
    return {
        "new_state": progress.state,
        "new_reason": ended.reason,
        "new_detail": ended.detail,
        "new_fault": ended.fault or "",
        "new_digest": progress.digest,
        "new_end_time": progress.at,
    }


def conditions(wanted: ConversationFilter) -> list[ColumnElement[bool]]:
    """The filter as conditions on a row."""
    columns = conversations.c
    pairs = (
        (columns.state, wanted.state),
        (columns.type, wanted.type),
        (columns.batch, wanted.batch.removeprefix("batches/")),
        (columns.procedure, wanted.procedure.removeprefix("procedures/")),
        (columns.source, wanted.source.removeprefix("sources/")),
        (columns.external_id, wanted.external_id),
        (columns.revision, wanted.revision),
        (columns.agent_pull_request, wanted.agent_pull_request),
        (columns.persona_agent_pull_request, wanted.persona_agent_pull_request),
    )
    return [column == value for column, value in pairs if value]
