"""Who plays in a conversation: its job looks up persona, agent, model and mocks once, when it takes it up."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from services.synthesizer.conversations.model import AgentTarget, Conversation
from services.synthesizer.conversations.opening import Catalog
from services.synthesizer.conversations.rehearsal import Rehearsal
from services.synthesizer.conversations.targets import ProcedureAgent, Target
from services.synthesizer.persona import Persona
from services.synthesizer.procedure import Revision
from services.synthesizer.prompts import agent_system, persona_system
from services.synthesizer.source import SourceConversation, start_point
from services.synthesizer.tool_answers import NO_RECORDED, recorded_rules
from shared.kept import Kept
from shared.llm.base import AgentBrief, ChatModel, PersonaBrief
from shared.model.events import AgentMessage, UserMessage

_SCRIPTS_KEPT = 256
_SOURCE_BYTES_KEPT = 4 << 20
_ROLE_CHARACTERS_KEPT = 1 << 20


@dataclass(frozen=True, slots=True)
class Script:
    """A revision, and the system text that is rendered from it."""

    revision: Revision
    system: str


@dataclass(frozen=True, slots=True)
class Role:
    """What a persona's model is told of it and of a source, and the system text that is rendered from it."""

    brief: PersonaBrief
    system: str


class Casting:
    """Makes a conversation's rehearsal from its terms.

    models: the model of a name. external: a target that is not the built-in agent.
    """

    def __init__(
        self, catalog: Catalog, models: Callable[[str], ChatModel], external: Callable[[AgentTarget], Target]
    ) -> None:
        self._catalog = catalog
        self._models = models
        self._external = external
        self._scripts: Kept[tuple[str, str, int], Script] = Kept(_SCRIPTS_KEPT)
        self._looking_up = asyncio.Lock()
        self._sources: Kept[tuple[str, str], SourceConversation] = Kept(_SOURCE_BYTES_KEPT)
        self._roles: Kept[tuple[str, str, Persona], Role] = Kept(_ROLE_CHARACTERS_KEPT)

    async def __call__(self, conversation: Conversation) -> Rehearsal:
        """Everything that the conversation's steps need."""
        spec, company = conversation.spec, conversation.company
        assert conversation.persona is not None
        assert spec.agent is not None
        source = await self._source(company, spec.source) if spec.source else None
        script = await self._script(company, spec.procedure, spec.revision) if spec.procedure else None
        role = self._role(company, conversation.persona, source)
        model = self._models(spec.model)
        return Rehearsal(
            conversation=conversation,
            revision=script.revision if script else None,
            persona=conversation.persona,
            persona_brief=role.brief,
            persona_system=role.system,
            model=model,
            target=self._target(conversation, spec.agent, script, model),
            recorded=NO_RECORDED if source is None else recorded_rules(source.events),
        )

    async def _script(self, company: str, procedure: str, number: int) -> Script:
        """A revision that is READY, and so never changes: looked up once for all conversations of a batch."""
        key = (company, procedure, number)
        if (script := self._scripts.get(key)) is not None:
            return script
        # A batch's first hundred ask all at once, and most of them for the same.
        async with self._looking_up:
            if (script := self._scripts.get(key)) is None:
                _, revision = await self._catalog.revision(company, procedure, number)
                script = Script(revision, agent_system(AgentBrief(revision.instructions, revision.steps)))
                self._scripts.put(key, script)
        return script

    async def _source(self, company: str, name: str) -> SourceConversation:
        """A source that is finished, and so never changes: read once for the conversations that start from it."""
        source = self._sources.get((company, name))
        if source is None:
            source = await self._catalog.source(company, name)
            self._sources.put((company, name), source, source.size)
        return source

    def _role(self, company: str, persona: Persona, source: SourceConversation | None) -> Role:
        """A persona beside a source, neither of which changes: rendered once for all conversations that share both."""
        key = (company, source.source.name if source else "", persona)
        role = self._roles.get(key)
        if role is None:
            brief = persona_brief(persona, source)
            role = Role(brief, persona_system(brief))
            self._roles.put(key, role, len(role.system))
        return role

    def _target(
        self, conversation: Conversation, agent: AgentTarget, script: Script | None, model: ChatModel
    ) -> Target:
        if agent.kind != "procedure":
            return self._external(agent)
        assert script is not None
        spec = conversation.spec
        return ProcedureAgent(model, spec.model, script.revision, script.system, spec.seed, conversation.index)


def persona_brief(persona: Persona, source: SourceConversation | None) -> PersonaBrief:
    """What the persona's model is told: who it is, and what the real customer said before and after the start point."""
    opening: list[str] = []
    material: list[tuple[str, str]] = []
    if source is not None:
        cut = len(start_point(source).events)
        asked = ""
        for number, event in enumerate(source.events):
            match event.body:
                case AgentMessage(text):
                    asked = f"{asked}\n{text}".strip()
                case UserMessage(text) if text and number < cut:
                    opening.append(text)
                case UserMessage(text) if text:
                    material.append((asked, text))
                    asked = ""
    return PersonaBrief(
        display_name=persona.display_name,
        description=persona.description,
        tone=persona.personality.tone,
        response_length=persona.personality.response_length,
        objection_likelihood=persona.personality.objection_likelihood,
        behaviour_traits=persona.behaviour_traits,
        goal=persona.goal,
        opening=tuple(opening),
        material=tuple(material),
    )
