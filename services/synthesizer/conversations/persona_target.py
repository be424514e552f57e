"""The persona as a customer of the user's own plays it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from services.synthesizer.conversations.chat_messages import ChatMessages, persona_message
from services.synthesizer.conversations.integrity import flags
from services.synthesizer.conversations.model import Conversation
from services.synthesizer.conversations.moves import Move, StepFailed
from services.synthesizer.conversations.persona_player import Role, scene_of
from services.synthesizer.conversations.persona_replies import MAX_TEXT
from services.synthesizer.conversations.retries import Retries
from services.synthesizer.conversations.targets import (
    MAX_SESSION_BYTES,
    Action,
    Call,
    EndTalk,
    Say,
    Several,
    StaySilent,
    Target,
    TargetFailed,
    TargetUnavailable,
    View,
    WaitUntil,
)
from services.synthesizer.procedures.model import Revision
from shared.llm.persona_reply import PersonaReply
from shared.model.conversation import State
from shared.model.events import AgentMessage, Fault, PersonaFlag, UserMessage


@dataclass(frozen=True, slots=True)
class TargetPersona:
    """A persona that a target plays. It sees what both sides said, and nothing of tools.

    retries: while the target is unavailable. revision: None if the conversation has none. checks_off: what is not
    checked.
    """

    conversation: Conversation
    role: Role
    target: Target
    retries: Retries
    revision: Revision | None
    checks_off: Collection[PersonaFlag] = ()
    sees: ChatMessages = field(default_factory=lambda: ChatMessages(persona_message))

    async def speak(self, state: State) -> Sequence[Move]:
        action = await self._act(state)
        scene = scene_of(self.sees.of(state.transcript), self.role, self.revision)
        moves = []
        for body in _messages(action):
            # Flags of a customer count, but fail nothing: it is the user's own.
            found = flags(PersonaReply(body.text, None), scene, self.checks_off)
            moves.append(Move(body, model_call=action.model_call, flags=found))
            scene = replace(scene, own=[*scene.own, body.text])
        moves[0] = moves[0]._replace(session=action.session, thoughts=action.thoughts)
        return moves

    async def _act(self, state: State) -> Action:
        """The target's action. Raises StepFailed."""
        view = View(
            conversation=self.conversation.name,
            seq=state.undisturbed_seq,
            transcript=[event for event in state.transcript if isinstance(event.body, UserMessage | AgentMessage)],
            tools=(),
            instructions=self.role.instructions,
            now=state.now,
            session=state.persona_session,
            persona=self.role.brief,
        )
        try:
            action = await self.retries.act(self.target, view)
        except TargetUnavailable as error:
            detail = "The persona target {agent} does not answer: {why}.".format_map(error.details)
            raise StepFailed(Fault.PERSONA_MODEL, "PERSONA_UNAVAILABLE", detail) from error
        except TargetFailed as error:
            detail = "The persona target {agent} failed: {why}.".format_map(error.details)
            raise StepFailed(Fault.PERSONA_MODEL, "PERSONA_FAILED", detail) from error
        if action.session is not None and len(action.session) > MAX_SESSION_BYTES:
            raise _unusable(f"has a session of {len(action.session)} bytes; {MAX_SESSION_BYTES} are allowed")
        return action


def _messages(action: Action) -> list[UserMessage]:
    """The action as user messages, at least one. Raises StepFailed."""
    texts, leaves = _said(action)
    for text in texts:
        if not text.strip():
            raise _unusable("said an empty text; it should stay silent instead")
        if len(text) > MAX_TEXT:
            raise _unusable(f"said {len(text):,} characters at once; {MAX_TEXT:,} are allowed")
    *before, last = [UserMessage(text) for text in texts] or [UserMessage(silent=True)]
    return [*before, replace(last, leaves=leaves)]


def _said(action: Action) -> tuple[tuple[str, ...], bool]:
    """The texts that the customer says, and whether it leaves after them. Raises StepFailed."""
    match action.does:
        case Say(text):
            return (text,), False
        case StaySilent():
            return (), False
        case EndTalk(text):
            return (text,) if text else (), True
        case Several(texts, (), ends):
            return texts, ends
        case Call() | Several():
            raise _unusable("called a tool; a customer has none")
        case WaitUntil():
            raise _unusable("waits; a customer stays silent instead")
        case _:
            assert_never(action.does)


def _unusable(why: str) -> StepFailed:
    return StepFailed(Fault.PERSONA_MODEL, "PERSONA_REPLY_UNUSABLE", f"The persona target {why}.")
