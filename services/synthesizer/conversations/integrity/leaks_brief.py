"""The persona leaks its brief: it says that it plays a role, or quotes its instructions, traits or form of answer."""

from services.synthesizer.conversations.integrity.check import Check, Scene, phrases, quotes
from shared.llm.persona_reply import PersonaReply
from shared.model.events import PersonaFlag

_SAME_WORDS = 9
_SAYS = phrases(
    "leaks_brief",
    r"\bno_response\b|\blikely_to_convert\b",
    r"""(?:^|[\n{,])\W*["'*]*(?:reasoning|sentiment)["'*]* ?: """,
)


def _finds(reply: PersonaReply, scene: Scene) -> bool:
    text = reply.text
    if _SAYS(text) or quotes(text, scene.private, _SAME_WORDS):
        return True
    return "_" in text and any("_" in trait and trait in text for trait in scene.traits)


CHECK = Check(
    PersonaFlag.LEAKS_BRIEF,
    severe=True,
    wrong="It tells what only the persona may know: that it plays a role, its instructions or its reasoning.",
    finds=_finds,
)
