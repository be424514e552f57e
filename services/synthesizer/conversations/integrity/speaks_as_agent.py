"""The persona speaks as the agent: it offers help, asks for the customer's data, or says what it did for them."""

from services.synthesizer.conversations.integrity.check import Check, Scene, phrases
from shared.llm.persona_reply import PersonaReply
from shared.model.events import PersonaFlag

_FEWEST_WORDS = 10
"""Of a message that is the agent's, word for word; both sides say "You're welcome."."""
_SAYS = phrases("speaks_as_agent")


def _finds(reply: PersonaReply, scene: Scene) -> bool:
    return _SAYS(reply.text) or _is_the_agents(reply.text, scene)


def _is_the_agents(text: str, scene: Scene) -> bool:
    return text in scene.heard and text not in scene.own and len(text.split()) >= _FEWEST_WORDS


CHECK = Check(
    PersonaFlag.SPEAKS_AS_AGENT,
    severe=True,
    wrong="It speaks as the agent; a persona is the customer, and says only what the customer says.",
    finds=_finds,
)
