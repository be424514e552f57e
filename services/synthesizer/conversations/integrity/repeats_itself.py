"""The persona says again what it said before, without being asked again."""

from functools import lru_cache

from services.synthesizer.conversations.integrity.check import LONGEST, Check, Scene
from shared.llm.persona_reply import PersonaReply
from shared.model.events import PersonaFlag
from shared.model.repeats import repeats, words_of

_FEWEST_WORDS = 7
"""Short messages, such as "Yes, please.", are said twice by everybody."""


def _finds(reply: PersonaReply, scene: Scene) -> bool:
    said = _words(reply.text)
    if len(said) < _FEWEST_WORDS or not repeats(said, map(_words, scene.own)):
        return False
    earlier = scene.heard[: len(scene.heard) - len(scene.asked)]
    asked_again = any(repeats(_words(one), map(_words, earlier)) for one in scene.asked)
    return not asked_again


@lru_cache(maxsize=2_048)
def _words(text: str) -> frozenset[str]:
    return words_of(text[:LONGEST])


CHECK = Check(
    PersonaFlag.REPEATS_ITSELF,
    severe=False,
    wrong="It says again what the persona said before.",
    finds=_finds,
)
