"""The persona does the agent's work: it names its tools, quotes its procedure, or says which step comes next."""

from services.synthesizer.conversations.integrity.check import Check, Scene, phrases, quotes
from shared.llm.persona_reply import PersonaReply
from shared.model.events import PersonaFlag

_SAME_WORDS = 10
_SAYS = phrases("does_agents_work")


def _finds(reply: PersonaReply, scene: Scene) -> bool:
    text = reply.text
    if _SAYS(text) or ("_" in text and any("_" in tool and tool in text for tool in scene.tools)):
        return True
    return bool(scene.instructions) and quotes(text, (scene.instructions,), _SAME_WORDS)


CHECK = Check(
    PersonaFlag.DOES_AGENTS_WORK,
    severe=False,
    wrong="It does the agent's work: it names tools or steps that a customer does not know.",
    finds=_finds,
)
