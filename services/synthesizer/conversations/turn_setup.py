"""Prepares a conversation's turn loop: its persona, agent, model and mocks. What conversations share is read once."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from services.synthesizer.conversations.campaign_contact import ContactPlayer, ModelContact, OfflineContact
from services.synthesizer.conversations.campaign_loop import CampaignLoop
from services.synthesizer.conversations.campaign_target import CAMPAIGN, CampaignTarget, contact_of, read_target
from services.synthesizer.conversations.catalog import Catalog
from services.synthesizer.conversations.chat_messages import ChatMessages, persona_message
from services.synthesizer.conversations.mocked_tools import MockedTools, SharedMocks
from services.synthesizer.conversations.model import BUILT_IN_AGENT, AgentTarget, Conversation
from services.synthesizer.conversations.persona_asking import ModelPersona
from services.synthesizer.conversations.persona_brief import persona_brief
from services.synthesizer.conversations.persona_player import PersonaPlayer, Role
from services.synthesizer.conversations.persona_target import TargetPersona
from services.synthesizer.conversations.procedure_agent import ProcedureAgent
from services.synthesizer.conversations.prompts import (
    CONTACT_PROMPT,
    agent_prompt,
    agent_system,
    persona_instructions,
    persona_prompt,
)
from services.synthesizer.conversations.retries import Retries
from services.synthesizer.conversations.targets import Target
from services.synthesizer.conversations.turns import Loop, TurnLoop
from services.synthesizer.offline.contact import Contact
from services.synthesizer.personas.model import Persona
from services.synthesizer.procedures.model import Revision
from services.synthesizer.sources.model import SourceConversation
from services.synthesizer.tool_configs.answers import NO_RECORDED, recorded_rules
from shared.compute.offload import Offload
from shared.llm.base import Caller, ChatModel
from shared.llm.briefs import AgentBrief
from shared.llm.repairs import Repair
from shared.lru import LruCache
from shared.model.campaigns import simulation
from shared.model.events import PersonaFlag
from shared.model.recording import Recording
from shared.waits import Waits

_SCRIPTS = 256
_MOCKS = 256
_SOURCE_BYTES = 4 << 20
_ROLE_CHARACTERS = 1 << 20
_CAMPAIGN_CHARACTERS = 16 << 20


@dataclass(frozen=True, slots=True)
class Script:
    """A revision, the system text of the agent that follows it, and the digest of the text's prompt."""

    revision: Revision
    system: str
    prompt: str


class Setup:
    """Makes the turn loops of conversations.

    open_model: opens a model by name, recorded or replayed.
    open_agent: opens a target of a company that is not the built-in agent: an agent, or a customer.
    offload: runs templates, conditions and schemas of users. repair: of the persona's model's broken JSON.
    retries: of an unavailable agent. waits: notes what conversations wait for.
    checks_off: the flags that no reply of a persona is checked for.
    """

    def __init__(
        self,
        catalog: Catalog,
        open_model: Callable[[str, Recording], Awaitable[ChatModel]],
        open_agent: Callable[[AgentTarget, str], Target],
        offload: Offload,
        repair: Repair,
        retries: Retries,
        waits: Waits,
        checks_off: Collection[PersonaFlag] = (),
    ) -> None:
        self._catalog = catalog
        self._open_model = open_model
        self._open_agent = open_agent
        self._offload = offload
        self._repair = repair
        self._retries = retries
        self._waits = waits
        self._checks_off = checks_off
        self._scripts: LruCache[tuple[str, str, int], Script] = LruCache(_SCRIPTS)
        self._looking_up = asyncio.Lock()
        self._sources: LruCache[tuple[str, str], SourceConversation] = LruCache(_SOURCE_BYTES)
        self._mocks: LruCache[str, SharedMocks] = LruCache(_MOCKS)
        self._campaigns: LruCache[str, tuple[CampaignTarget, simulation.Script, simulation.Script]] = LruCache(
            _CAMPAIGN_CHARACTERS
        )
        self._roles: LruCache[tuple[str, str, str, Persona], Role] = LruCache(_ROLE_CHARACTERS)

    async def __call__(self, conversation: Conversation) -> Loop:
        """The conversation's turn loop."""
        spec, company = conversation.spec, conversation.company
        agent = spec.called_agent
        assert conversation.persona is not None
        assert agent is not None
        if agent.kind == CAMPAIGN:
            return await self._campaign(conversation, conversation.persona, agent)
        source = await self._source(company, spec.source) if spec.source else None
        script = await self._script(company, spec.procedure, spec.revision) if spec.procedure else None
        role = self._role(company, conversation.persona, source, script.revision.persona_context if script else "")
        agent_model = await self._open_model(spec.agent_model, spec.recording)
        caller = _caller(conversation)
        revision = script.revision if script else None
        return TurnLoop(
            conversation=conversation,
            revision=revision,
            persona=conversation.persona,
            player=await self._player(conversation, role, revision, caller),
            target=self._target(conversation, agent, script, agent_model, caller),
            tools=MockedTools(
                revision,
                self._mocks_of(conversation),
                NO_RECORDED if source is None else recorded_rules(source.events),
                self._offload,
            ),
            retries=self._retries,
            waits=self._waits,
        )

    async def _campaign(self, conversation: Conversation, persona: Persona, agent: AgentTarget) -> CampaignLoop:
        key = agent.key
        found = self._campaigns.get(key)
        if found is None:
            target = await asyncio.to_thread(read_target, agent)
            here, in_thread = (simulation.Script(target.campaigns, target.max_steps) for _ in range(2))
            found = target, here, in_thread
            self._campaigns.put(key, found, len(str(agent.config)))
        return CampaignLoop(
            conversation,
            contact_of(found[0], persona, conversation.index),
            (found[1], found[2]),
            await self._contact(conversation, persona),
            MockedTools(None, self._mocks_of(conversation), NO_RECORDED, self._offload),
            self._offload,
        )

    async def _contact(self, conversation: Conversation, persona: Persona) -> ContactPlayer:
        spec, brief = conversation.spec, persona_brief(persona, None)
        speed = persona.personality.decision_speed
        offline = Contact(brief, speed, persona.first_name, spec.seed, conversation.index)
        if spec.persona_model.startswith("offline"):
            return OfflineContact(offline)
        model = await self._open_model(spec.persona_model, spec.recording)
        role = Role(persona, brief, persona_instructions(brief), CONTACT_PROMPT)
        sees = ChatMessages(persona_message)
        return ModelContact(
            conversation, _caller(conversation), role, model, self._repair, offline, sees, self._checks_off
        )

    async def _script(self, company: str, procedure: str, number: int) -> Script:
        """A READY revision; it never changes."""
        key = (company, procedure, number)
        if (script := self._scripts.get(key)) is not None:
            return script
        # The first conversations of a batch ask for the same revision at once; only one reads it.
        async with self._looking_up:
            if (script := self._scripts.get(key)) is None:
                _, revision = await self._catalog.revision(company, procedure, number)
                brief, context = AgentBrief(revision.instructions, revision.steps), revision.agent_context
                script = Script(revision, agent_system(brief, context), agent_prompt(context).digest)
                self._scripts.put(key, script)
        return script

    async def _source(self, company: str, name: str) -> SourceConversation:
        """A finished source; it never changes."""
        source = self._sources.get((company, name))
        if source is None:
            source = await self._catalog.source(company, name)
            self._sources.put((company, name), source, source.size)
        return source

    def _mocks_of(self, conversation: Conversation) -> SharedMocks:
        """The mocks that the conversations of a batch share."""
        owner = conversation.batch or conversation.id
        mocks = self._mocks.get(owner)
        if mocks is None:
            mocks = SharedMocks.of(conversation.spec.tool_config)
            self._mocks.put(owner, mocks)
        return mocks

    def _role(self, company: str, persona: Persona, source: SourceConversation | None, context: str) -> Role:
        key = (company, source.source.name if source else "", context, persona)
        role = self._roles.get(key)
        if role is None:
            brief = persona_brief(persona, source)
            role = Role(persona, brief, persona_instructions(brief, context), persona_prompt(context))
            self._roles.put(key, role, len(role.instructions))
        return role

    async def _player(
        self, conversation: Conversation, role: Role, revision: Revision | None, caller: Caller
    ) -> PersonaPlayer:
        spec = conversation.spec
        if (customer := spec.called_persona_target) is not None:
            target = self._open_agent(customer, conversation.company)
            return TargetPersona(conversation, role, target, self._retries, revision, self._checks_off)
        model = await self._open_model(spec.persona_model, spec.recording)
        return ModelPersona(conversation, caller, role, model, self._repair, revision, self._checks_off)

    def _target(
        self, conversation: Conversation, agent: AgentTarget, script: Script | None, model: ChatModel, caller: Caller
    ) -> Target:
        if agent.kind != BUILT_IN_AGENT:
            return self._open_agent(agent, conversation.company)
        assert script is not None
        spec = conversation.spec
        return ProcedureAgent(
            model,
            spec.agent_model,
            script.revision,
            script.system,
            script.prompt,
            spec.seed,
            conversation.index,
            caller,
        )


def _caller(conversation: Conversation) -> Caller:
    batch = f"batches/{conversation.batch}" if conversation.batch else ""
    return Caller(conversation.company, batch, conversation.name, conversation.attempt)
