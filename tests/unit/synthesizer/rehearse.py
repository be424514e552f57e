"""Plays conversations in one process, without a server or a store: the turn loop, the offline model, the mocks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.synthesizer.adapters.formats.records import ProcedureRecord, SourceRecord
from services.synthesizer.conversations.mocked_tools import MockedTools, SharedMocks
from services.synthesizer.conversations.model import Conversation, ConversationSpec, ConversationState
from services.synthesizer.conversations.persona_asking import ModelPersona
from services.synthesizer.conversations.persona_brief import persona_brief
from services.synthesizer.conversations.persona_player import Role
from services.synthesizer.conversations.procedure_agent import ProcedureAgent
from services.synthesizer.conversations.prompts import AGENT_PROMPT, PERSONA_PROMPT
from services.synthesizer.conversations.turns import TurnLoop
from services.synthesizer.personas.model import Persona
from services.synthesizer.procedures.model import Revision, RevisionState
from services.synthesizer.sources.model import Source, SourceConversation, start_point
from services.synthesizer.tool_configs.answers import NO_RECORDED, recorded_rules
from services.synthesizer.tool_configs.model import ToolConfig
from shared.compute.offload import Offload
from shared.llm.base import Caller, ChatModel
from shared.llm.repairs import repaired
from shared.model.conversation import State, fold
from shared.model.events import AgentMessage, Event, Json, Opened, ToolAnswer, ToolCall, ToolResult, UserMessage
from shared.model.world import World

OK = ToolConfig(default=ToolAnswer({"status": "ok"}))


async def in_place(text: str) -> Json:
    """Repair broken JSON in this process."""
    return repaired(text)


@dataclass(frozen=True)
class Stage:
    """The parts that all conversations share."""

    model: ChatModel
    config: ToolConfig = OK
    max_turns: int = 20
    seed: int = 7


def source_of(record: SourceRecord) -> SourceConversation:
    """The source as the service stores it."""
    source = Source(f"sources/{record.line}", record.external_id, "", bool(record.finished))
    return SourceConversation(source, record.events, record.resources)


async def rehearse(
    stage: Stage,
    procedure: ProcedureRecord | None,
    source: SourceConversation | None,
    persona: Persona,
    index: int,
    resources: World | None = None,
) -> State:
    """Play one conversation to its end; returns the state after all its events. resources: in place of the source's."""
    tools = procedure.tools if procedure else ()
    steps = procedure.steps if procedure else ()
    instructions = procedure.instructions if procedure else ""
    revision = Revision("procedures/p", 1, RevisionState.READY, instructions, steps, tools)
    spec = ConversationSpec(
        tool_config=stage.config, max_turns=stage.max_turns, seed=stage.seed, persona_model="offline"
    )
    conversation = Conversation(f"c{index}", "acme", ConversationState.GENERATING, spec, persona, None, index, "", 0)
    role = Role(persona, persona_brief(persona, source), "", PERSONA_PROMPT)
    rehearsal = TurnLoop(
        conversation=conversation,
        revision=revision,
        persona=persona,
        player=ModelPersona(conversation, Caller(), role, stage.model, in_place, revision),
        target=ProcedureAgent(stage.model, "offline", revision, "", AGENT_PROMPT.digest, stage.seed, index, Caller()),
        tools=MockedTools(
            revision,
            SharedMocks.of(stage.config),
            recorded_rules(source.events) if source else NO_RECORDED,
            Offload(),
        ),
    )
    opening: list[Event] = []
    if source is not None:
        start = start_point(source)
        opening = [Event("", 1, 0, 0, Opened(start.resources))]
        opening += [Event("", 2 + i, 0, 0, event.body, copied=True) for i, event in enumerate(start.events)]
    state = fold(opening)
    if resources is not None:
        state = replace(state, resources=resources)
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
