"""Who plays the contact of campaigns: the offline model, or another one."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from services.synthesizer.conversations.chat_messages import ChatMessages
from services.synthesizer.conversations.model import Conversation
from services.synthesizer.conversations.persona_asking import usable_reply
from services.synthesizer.conversations.persona_player import Role, scene_of
from services.synthesizer.conversations.prompts import CONTACT_ANSWER
from services.synthesizer.offline.contact import Contact
from shared.llm.base import Caller, ChatModel, ChatRequest, Message
from shared.llm.persona_reply import PERSONA_REPLY
from shared.llm.repairs import Repair
from shared.model.campaigns import simulation
from shared.model.campaigns.interactions import Interaction, Response
from shared.model.campaigns.model import Channel
from shared.model.conversation import State
from shared.model.events import ModelCall, PersonaFlag, Usage


class Answer(NamedTuple):
    """How a contact answers a message. usage, model_call: of the model that decided it; None for the offline one."""

    response: Response
    usage: Usage | None = None
    model_call: ModelCall | None = None
    flags: tuple[PersonaFlag, ...] = ()


class ContactPlayer(Protocol):
    """Plays a contact."""

    async def answer(
        self, row: Interaction, shown: str, now: simulation.State, place: ZoneInfo, state: State
    ) -> Answer:
        """How it answers the message of a row. shown: the message. place: its time zone. Raises StepFailed."""
        ...


@dataclass(frozen=True, slots=True)
class OfflineContact:
    """A contact that the offline model plays."""

    contact: Contact

    async def answer(self, row: Interaction, _shown: str, now: simulation.State, place: ZoneInfo, _: State) -> Answer:
        return Answer(self.contact.responds(row, now, place))


@dataclass(frozen=True, slots=True)
class ModelContact:
    """A contact that a model plays. contact: draws what no model says: when it answers, opens and clicks.

    repair: of the model's broken JSON. checks_off: what is not checked.
    """

    conversation: Conversation
    caller: Caller
    role: Role
    model: ChatModel
    repair: Repair
    contact: Contact
    sees: ChatMessages
    checks_off: Collection[PersonaFlag] = ()

    async def answer(self, row: Interaction, shown: str, _: simulation.State, place: ZoneInfo, state: State) -> Answer:
        spec = self.conversation.spec
        request = ChatRequest(
            model=spec.persona_model,
            system=self.role.instructions + CONTACT_ANSWER,
            messages=(*self.sees.of(state.transcript), Message("user", shown)),
            tools=(),
            seed=spec.seed,
            index=self.conversation.index,
            seq=state.undisturbed_seq,
            brief=self.role.brief,
            caller=self.caller,
            prompt=self.role.prompt.digest,
            output=PERSONA_REPLY,
        )
        scene = scene_of(request.messages, self.role, None)
        answered, reply, flags, usage = await usable_reply(self.model, self.repair, request, scene, self.checks_off)
        call = ModelCall(request.model, request.prompt, answered.milliseconds, answered.first_token, answered.recorded)
        assert reply.thoughts is not None  # the output form demands them
        leaves = reply.leaves and not reply.text and row.channel is Channel.EMAIL
        response = self.contact.acts(row, place, reply.text, unsubscribes=leaves, thoughts=reply.thoughts)
        return Answer(response, usage, call, flags)
