"""The offline model: answers from the brief, by fixed rules and seeded draws."""

from typing import assert_never

from services.synthesizer.offline import agent, invention, persona
from services.synthesizer.offline.kinds import Texts
from services.synthesizer.offline.material import Material
from services.synthesizer.offline.wording import LANGUAGES, wording
from shared.llm.base import ChatReply, ChatRequest
from shared.llm.briefs import AgentBrief, GenerationBrief, JudgeBrief, PersonaBrief, ReviewBrief
from shared.llm.persona_reply import written
from shared.lru import LruCache
from shared.model.events import Usage

_ONE_CALL = Usage(model_calls=1)
_MATERIALS = 2_048


class OfflineModel:
    """Answers from the brief behind the system text, which it does not read.

    The same request gets the same reply in every process. It counts calls and no tokens.
    """

    def __init__(self, makes_up: bool = False) -> None:
        self._makes_up = makes_up
        for language in LANGUAGES:
            wording(language)  # read now, so that no conversation waits for it
        self._texts = Texts()
        self._plays = agent.Plays(self._texts)
        self._materials: LruCache[int, tuple[PersonaBrief, Material]] = LruCache(_MATERIALS)

    def reply(self, request: ChatRequest) -> ChatReply:
        """Answer the request. Raises BadTemplate, TooMuchWork when a step of the procedure cannot be played."""
        match request.brief:
            case PersonaBrief() as brief:
                says = persona.speak(request, brief, self._material(brief), self._makes_up)
                return ChatReply(written(says), usage=_ONE_CALL, fixed=True)
            case AgentBrief() as brief:
                reply = self._plays.act(request, brief)
                return ChatReply(reply.text, reply.calls, _ONE_CALL, fixed=True, steps=reply.steps)
            case GenerationBrief() as brief:
                return ChatReply(invention.personas(request, brief), usage=_ONE_CALL, fixed=True)
            case ReviewBrief():
                raise ValueError("the offline model has no view of campaigns")
            case JudgeBrief():
                raise ValueError("the evaluator has a stand-in of its own for judges")
            case unknown:
                assert_never(unknown)

    def _material(self, brief: PersonaBrief) -> Material:
        """The brief's material. The brief is stored beside it, so that no other object can get its id."""
        found = self._materials.get(id(brief))
        if found is None:
            found = brief, Material(brief, self._texts)
            self._materials.put(id(brief), found)
        return found[1]
