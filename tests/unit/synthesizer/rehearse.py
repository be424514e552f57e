"""Plays conversations in one process, without a server or a store: the turn loop, the offline model, the mocks."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.synthesizer.adapters.formats.records import ProcedureRecord, SourceRecord
from services.synthesizer.conversations.casting import persona_brief
from services.synthesizer.conversations.model import Conversation, ConversationSpec, ConversationState
from services.synthesizer.conversations.rehearsal import Rehearsal
from services.synthesizer.conversations.targets import ProcedureAgent
from services.synthesizer.persona import Persona
from services.synthesizer.procedure import Revision, RevisionState
from services.synthesizer.source import Source, SourceConversation, start_point
from services.synthesizer.tool_answers import NO_RECORDED, recorded_rules
from services.synthesizer.tool_config import ToolConfig
from shared.llm.base import ChatModel
from shared.model.conversation import State, fold
from shared.model.events import AgentMessage, Event, Opened, ToolAnswer, ToolCall, ToolResult, UserMessage

OK = ToolConfig(default=ToolAnswer({"status": "ok"}))


@dataclass(frozen=True)
class Stage:
    """What does not change from one conversation to the next."""

    model: ChatModel
    config: ToolConfig = OK
    max_turns: int = 20
    seed: int = 7


def source_of(record: SourceRecord) -> SourceConversation:
    """The source as the service keeps it."""
    source = Source(f"sources/{record.line}", record.external_id, "", record.finished)
    return SourceConversation(source, record.events, record.resources)


async def rehearse(
    stage: Stage, procedure: ProcedureRecord | None, source: SourceConversation | None, persona: Persona, index: int
) -> State:
    """Play one conversation to its end; the fold of all its events."""
    tools = procedure.tools if procedure else ()
    steps = procedure.steps if procedure else ()
    instructions = procedure.instructions if procedure else ""
    revision = Revision("procedures/p", 1, RevisionState.READY, instructions, steps, tools)
    spec = ConversationSpec(tool_config=stage.config, max_turns=stage.max_turns, seed=stage.seed, model="offline")
    rehearsal = Rehearsal(
        conversation=Conversation(f"c{index}", "acme", ConversationState.GENERATING, spec, persona, None, index, "", 0),
        revision=revision,
        persona=persona,
        persona_brief=persona_brief(persona, source),
        persona_system="",
        model=stage.model,
        target=ProcedureAgent(stage.model, "offline", revision, "", stage.seed, index),
        recorded=recorded_rules(source.events) if source else NO_RECORDED,
    )
    opening: list[Event] = []
    if source is not None:
        start = start_point(source)
        opening = [Event("", 1, 0, 0, Opened(start.resources))]
        opening += [Event("", 2 + i, 0, 0, event.body, copied=True) for i, event in enumerate(start.events)]
    state = fold(opening)
    while True:
        events, state = await rehearsal.advance(state)
        if not events:
            return state


def lines(transcript: Sequence[Event]) -> list[str]:
    """A transcript for people."""
    shown = []
    for event in transcript:
        mark = "*" if event.copied else " "
        match event.body:
            case UserMessage(text, silent, leaves):
                shown.append(f"{mark}user  | {'(silent)' if silent else text}{' (leaves)' if leaves else ''}")
            case AgentMessage(text):
                shown.append(f"{mark}agent | {text}")
            case ToolCall(_, tool, arguments):
                shown.append(f"{mark}   -> {tool} {dict(arguments)}")
            case ToolResult(_, _, answer):
                shown.append(f"{mark}   <- {answer.error or answer.value}")
    return shown
