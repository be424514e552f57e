"""Who plays the persona, and what the checks of its messages are told."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.synthesizer.conversations.integrity.check import Scene
from services.synthesizer.conversations.moves import Move
from services.synthesizer.personas.model import Persona
from services.synthesizer.procedures.model import Revision
from shared.llm.base import Message
from shared.llm.briefs import PersonaBrief
from shared.llm.prompts import Prompt
from shared.model.conversation import State


class PersonaPlayer(Protocol):
    """Plays the persona."""

    async def speak(self, state: State) -> Sequence[Move]:
        """What the persona does next: a user message or several, without the delay before them. Raises StepFailed."""
        ...


@dataclass(frozen=True, slots=True)
class Role:
    """The persona that is played. brief, instructions: what its player is told of it, as facts and as a text.

    prompt: which prompt the text follows.
    """

    persona: Persona
    brief: PersonaBrief
    instructions: str
    prompt: Prompt


def scene_of(messages: Sequence[Message], role: Role, revision: Revision | None) -> Scene:
    """What the checks of a persona's reply are told. messages: those so far, the persona's as the assistant's."""
    persona, brief = role.persona, role.brief
    last = max((place for place, message in enumerate(messages) if message.role == "assistant"), default=-1)
    return Scene(
        own=[message.text for message in messages if message.role == "assistant"],
        heard=[message.text for message in messages if message.role == "user"],
        asked=[message.text for message in messages[last + 1 :]],
        facts=(*brief.opening, *(answer for _, answer in brief.material)),
        age_range=persona.demographics.age_range,
        private=(role.prompt.text, brief.description),
        traits=brief.behaviour_traits,
        tools=[tool.name for tool in revision.tools] if revision else (),
        instructions=revision.instructions if revision else "",
        language=persona.language,
    )
