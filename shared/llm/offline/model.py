"""The offline model behind the port."""

from shared.llm.base import AgentBrief, ChatReply, ChatRequest, PersonaBrief
from shared.llm.offline import agent, persona
from shared.model.events import Usage

_ONE_CALL = Usage(model_calls=1)


class OfflineModel:
    """Answers from the brief behind the system text, which it does not read, by fixed rules and seeded draws.

    The same request gets the same reply in every process. It counts calls and no tokens, for it reads none.
    """

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer the request; never fails."""
        return answer(request)


def answer(request: ChatRequest) -> ChatReply:
    """The reply, without waiting for anything."""
    match request.brief:
        case PersonaBrief() as brief:
            reply = persona.speak(request, brief)
        case AgentBrief() as brief:
            reply = agent.act(request, brief)
    return ChatReply(reply.text, reply.call, _ONE_CALL)
