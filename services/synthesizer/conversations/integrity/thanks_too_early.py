"""The persona thanks the agent for something that the agent has neither done nor announced."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from services.synthesizer.conversations.integrity.check import LANGUAGES, Check, Scene, straight
from shared.llm.persona_reply import PersonaReply
from shared.model.events import PersonaFlag


class _Thanks(NamedTuple):
    """The thanks of a language.

    said: its group is the thing. anything: things that any answer of the agent may have done. also: the beginnings of
    the agent's words for a thing, where there are several.
    """

    said: re.Pattern[str]
    anything: Sequence[str]
    also: Mapping[str, Sequence[str]]

    def too_early(self, text: str, scene: Scene) -> bool:
        """True if the text thanks for what the agent has not mentioned, or for anything while it only asks."""
        thanked = self.said.search(text)
        if thanked is None:
            return False
        thing = thanked[1].lower()
        if thing in self.anything:
            return all(message.rstrip().endswith("?") for message in scene.heard)
        done = self.also.get(thing, (thing,))
        return not any(begin in message.lower() for message in scene.heard for begin in done)


_LANGUAGES = [
    _Thanks(re.compile(one["thanks"], re.IGNORECASE), one["anything"], one["also"])
    for one in (language["thanks_too_early"] for language in LANGUAGES)
]


def _finds(reply: PersonaReply, scene: Scene) -> bool:
    text = straight(reply.text)
    return any(language.too_early(text, scene) for language in _LANGUAGES)


CHECK = Check(
    PersonaFlag.THANKS_TOO_EARLY,
    severe=False,
    wrong="It thanks for something that was not done.",
    finds=_finds,
)
