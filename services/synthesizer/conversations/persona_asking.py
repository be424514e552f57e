"""The persona as a model plays it: asks until the reply can be used, and says who is to blame if it cannot."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from services.synthesizer.conversations.chat_messages import ChatMessages, persona_message
from services.synthesizer.conversations.integrity import CHECKS, flags
from services.synthesizer.conversations.integrity.check import Scene
from services.synthesizer.conversations.model import Conversation
from services.synthesizer.conversations.moves import Move, StepFailed
from services.synthesizer.conversations.persona_player import Role, scene_of
from services.synthesizer.conversations.persona_replies import ReplyUnusable, asked_again, read, read_repaired
from services.synthesizer.conversations.prompts import PERSONA_ANSWER
from services.synthesizer.procedures.model import Revision
from shared.llm.base import Caller, ChatModel, ChatReply, ChatRequest, ModelDenied, ModelFailed, ModelUnavailable
from shared.llm.budget import BudgetReached
from shared.llm.persona_reply import PERSONA_REPLY, PersonaReply
from shared.llm.repairs import Repair
from shared.model.conversation import State
from shared.model.events import NO_USAGE, Fault, ModelCall, PersonaFlag, Usage, UserMessage


@dataclass(frozen=True, slots=True)
class ModelPersona:
    """A persona that a model plays.

    repair: of the model's broken JSON. revision: None if the conversation has none. checks_off: what is not checked.
    """

    conversation: Conversation
    caller: Caller
    role: Role
    model: ChatModel
    repair: Repair
    revision: Revision | None
    checks_off: Collection[PersonaFlag] = ()
    sees: ChatMessages = field(default_factory=lambda: ChatMessages(persona_message))

    async def speak(self, state: State) -> Sequence[Move]:
        spec = self.conversation.spec
        request = ChatRequest(
            model=spec.persona_model,
            system=self.role.instructions + PERSONA_ANSWER,
            messages=self.sees.of(state.transcript),
            tools=(),
            seed=spec.seed,
            index=self.conversation.index,
            seq=state.undisturbed_seq,
            brief=self.role.brief,
            caller=self.caller,
            prompt=self.role.prompt.digest,
            output=PERSONA_REPLY,
        )
        scene = scene_of(request.messages, self.role, self.revision)
        answer, reply, found, usage = await usable_reply(self.model, self.repair, request, scene, self.checks_off)
        call = ModelCall(request.model, request.prompt, answer.milliseconds, answer.first_token, answer.recorded)
        body = UserMessage(reply.text, reply.silent, reply.leaves)
        return (Move(body, usage=usage, model_call=call, thoughts=reply.thoughts, flags=found),)


class Answered(NamedTuple):
    """A usable answer of the persona's model. usage: of this answer and of those that could not be used."""

    answer: ChatReply
    reply: PersonaReply
    flags: tuple[PersonaFlag, ...]
    usage: Usage


async def usable_reply(
    model: ChatModel, repair: Repair, request: ChatRequest, scene: Scene, checks_off: Collection[PersonaFlag]
) -> Answered:
    """The persona's reply. Asks again once for one that cannot be read, and once for one with a severe flag.

    checks_off: what is not checked. Raises StepFailed.
    """
    usage = NO_USAGE
    unreadable = severe = False
    while True:
        answer = await _ask(model, request, usage)
        usage += answer.usage
        try:
            reply = await read_repaired(answer, repair) if unreadable else read(answer)
        except ReplyUnusable as problem:
            if unreadable:
                detail = f"The model {request.model} gave no usable reply twice. {problem} It said: {answer.text}"
                raise StepFailed(Fault.PERSONA_MODEL, "PERSONA_REPLY_UNUSABLE", detail, usage) from problem
            unreadable, wrong = True, str(problem)
        else:
            found = flags(reply, scene, checks_off)
            worst = next((CHECKS[flag] for flag in found if CHECKS[flag].severe), None)
            # Asking the offline model again would not help; its flags count, but do not fail the conversation.
            if worst is None or answer.fixed:
                return Answered(answer, reply, found, usage)
            if severe:
                detail = f"The model {request.model} broke character twice. {worst.wrong} It said: {reply.text}"
                raise StepFailed(Fault.PERSONA_MODEL, "PERSONA_BROKE_CHARACTER", detail, usage, found)
            severe, wrong = True, worst.wrong
        request = asked_again(request, answer, wrong)


async def _ask(model: ChatModel, request: ChatRequest, spent: Usage) -> ChatReply:
    """The reply of the persona's model. spent: on answers that could not be used. Raises StepFailed."""
    paid = None if spent == NO_USAGE else spent
    try:
        reply = await model.complete(request)
    except (ModelUnavailable, ModelDenied) as error:
        raise StepFailed(Fault.INFRASTRUCTURE, error.reason, str(error), paid) from error
    except ModelFailed as error:
        raise StepFailed(Fault.PERSONA_MODEL, error.reason, str(error), paid) from error
    except BudgetReached as reached:
        raise StepFailed(None, reached.reason, str(reached), paid) from reached
    # Failed attempts are not counted: usage counts answers.
    return reply if reply.usage.model_calls == 1 else replace(reply, usage=replace(reply.usage, model_calls=1))
