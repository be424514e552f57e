"""The offline model behind the port."""

from shared.llm.base import AgentBrief, ChatReply, ChatRequest, PersonaBrief
from shared.llm.offline import agent, persona
from shared.model.events import Usage

_ONE_CALL = Usage(model_calls=1)


class OfflineModel:
    """Answers from the brief behind the system text, which it does not read, by fixed rules and seeded draws.

    The same request gets the same reply in every process. It counts calls and no tokens, for it reads none.
    """

    def __init__(self) -> None:
        self._plays = agent.Plays()

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer the request; never fails."""
        match request.brief:
            case PersonaBrief() as brief:
                reply = persona.speak(request, brief)
            case AgentBrief() as brief:
                reply = self._plays.act(request, brief)
        return ChatReply(reply.text, reply.call, _ONE_CALL)
