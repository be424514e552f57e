"""The built-in agent: follows the revision of a procedure with a model."""

from dataclasses import replace

from services.synthesizer.conversations.chat_messages import ChatMessages, agent_message
from services.synthesizer.conversations.targets import Action, Call, EndTalk, Say, Several, View, said_and_called
from services.synthesizer.procedures.model import Revision
from shared.llm.base import Caller, ChatModel, ChatReply, ChatRequest
from shared.llm.briefs import AgentBrief
from shared.llm.builtin_tools import AGENT_TOOLS, END_CONVERSATION
from shared.model.events import ModelCall


class ProcedureAgent:
    """The built-in agent: a model with the revision's instructions, steps and tools in its system text.

    prompt: the digest of the prompt that the text follows.
    """

    def __init__(
        self,
        model: ChatModel,
        name: str,
        revision: Revision,
        system: str,
        prompt: str,
        seed: int,
        index: int,
        caller: Caller,
    ) -> None:
        self._model = model
        self._name = name
        self._system = system
        self._prompt = prompt
        self._brief = AgentBrief(revision.instructions, revision.steps)
        self._seed, self._index, self._caller = seed, index, caller
        self._messages = ChatMessages(agent_message)

    async def act(self, view: View) -> Action:
        """The model's answer as an action. Raises ModelUnavailable, ModelFailed, StepUnusable, StepTooMuchWork."""
        request = ChatRequest(
            model=self._name,
            system=self._system,
            messages=self._messages.of(view.transcript),
            tools=(*view.tools, *AGENT_TOOLS),
            seed=self._seed,
            index=self._index,
            seq=view.seq,
            brief=self._brief,
            caller=self._caller,
            prompt=self._prompt,
        )
        reply = await self._model.complete(request)
        call = ModelCall(self._name, self._prompt, reply.milliseconds, reply.first_token, reply.recorded)
        return Action(_does(reply), usage=replace(reply.usage, model_calls=1), model_call=call, steps=reply.steps)


def _does(reply: ChatReply) -> Say | Call | Several | EndTalk:
    """What the agent does. It ends the conversation only if it calls no other tool: it may read the answers first."""
    calls = tuple(
        Call(call.tool, call.arguments, call.problem) for call in reply.calls if call.tool != END_CONVERSATION.name
    )
    if not reply.calls:
        return Say(reply.text)
    if not calls:
        last = str(reply.calls[0].arguments.get("text", ""))
        return EndTalk("\n".join(text for text in (reply.text.strip(), last) if text))
    return said_and_called(reply.text, calls)
