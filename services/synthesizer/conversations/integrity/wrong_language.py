"""The persona writes in another language than its own; without one of its own, in another than the agent."""

from functools import lru_cache

from services.synthesizer.conversations.integrity.check import Check, Scene, straight
from services.synthesizer.personas.generation.measuring import is_other_language, language_of
from shared.llm.persona_reply import PersonaReply
from shared.model.events import PersonaFlag

_of_agent = lru_cache(maxsize=1_000)(language_of)
_is_other = lru_cache(maxsize=1_000)(is_other_language)


def _finds(reply: PersonaReply, scene: Scene) -> bool:
    language = scene.language or _of_agent(tuple(scene.heard[:3]))
    return _is_other(straight(reply.text), language)


CHECK = Check(
    PersonaFlag.WRONG_LANGUAGE,
    severe=True,
    wrong="It is in another language than the customer writes.",
    finds=_finds,
)
