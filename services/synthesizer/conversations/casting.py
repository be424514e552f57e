"""Who plays in a conversation: its job looks up persona, agent, model and mocks once, when it takes it up."""

from collections.abc import Callable
from dataclasses import dataclass, field

from services.synthesizer.conversations.model import AgentTarget, Conversation
from services.synthesizer.conversations.opening import Catalog
from services.synthesizer.conversations.rehearsal import Rehearsal
from services.synthesizer.conversations.targets import ProcedureAgent, Target
from services.synthesizer.persona import Persona
from services.synthesizer.procedure import Revision
from services.synthesizer.prompts import agent_system, persona_system
from services.synthesizer.source import SourceConversation, start_point
from services.synthesizer.tool_answers import NO_RECORDED, recorded_rules
from shared.llm.base import AgentBrief, ChatModel, PersonaBrief
from shared.model.events import AgentMessage, UserMessage

_SCRIPTS_KEPT = 256


@dataclass(frozen=True, slots=True)
class Script:
    """A revision, and the system text that is rendered from it."""

    revision: Revision
    system: str


@dataclass(frozen=True, slots=True)
class Casting:
    """Makes a conversation's rehearsal from its terms.

    models: the model of a name. external: a target that is not the built-in agent. scripts: those looked up before.
    """

    catalog: Catalog
    models: Callable[[str], ChatModel]
    external: Callable[[AgentTarget], Target]
    scripts: dict[tuple[str, str, int], Script] = field(default_factory=dict)

    async def __call__(self, conversation: Conversation) -> Rehearsal:
        """Everything that the conversation's steps need."""
        spec, company = conversation.spec, conversation.company
        assert conversation.persona is not None
        assert spec.agent is not None
        source = await self.catalog.source(company, spec.source) if spec.source else None
        script = await self._script(company, spec.procedure, spec.revision) if spec.procedure else None
        brief = persona_brief(conversation.persona, source)
        model = self.models(spec.model)
        return Rehearsal(
            conversation=conversation,
            revision=script.revision if script else None,
            persona=conversation.persona,
            persona_brief=brief,
            persona_system=persona_system(brief),
            model=model,
            target=self._target(conversation, spec.agent, script, model),
            recorded=NO_RECORDED if source is None else recorded_rules(source.events),
        )

    async def _script(self, company: str, procedure: str, number: int) -> Script:
        """A revision that is READY, and so never changes: looked up once for all conversations of a batch."""
        key = (company, procedure, number)
        if key not in self.scripts:
            if len(self.scripts) >= _SCRIPTS_KEPT:
                self.scripts.clear()
            _, revision = await self.catalog.revision(company, procedure, number)
            self.scripts[key] = Script(revision, agent_system(AgentBrief(revision.instructions, revision.steps)))
        return self.scripts[key]

    def _target(
        self, conversation: Conversation, agent: AgentTarget, script: Script | None, model: ChatModel
    ) -> Target:
        if agent.kind != "procedure":
            return self.external(agent)
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
