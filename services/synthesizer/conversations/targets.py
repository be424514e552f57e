"""The port to agents under test, and the built-in one, which follows the procedure's revision with a model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from services.synthesizer.conversations.messages import Messages, agent_message
from services.synthesizer.procedure import Revision
from shared.errors import FailedPrecondition, Unavailable
from shared.llm.base import (
    END_CONVERSATION,
    AgentBrief,
    ChatModel,
    ChatRequest,
    ModelRefused,
    ModelUnavailable,
)
from shared.model.events import (
    Event,
    Json,
    Usage,
)
from shared.model.steps import Tool


class TargetUnavailable(Unavailable):
    """The agent {agent} does not answer: {why}."""

    reason = "AGENT_UNAVAILABLE"


class TargetFailed(FailedPrecondition):
    """The agent {agent} failed: {why}."""

    reason = "AGENT_FAILED"


@dataclass(frozen=True, slots=True)
class View:
    """The state of a conversation as the agent may know it; `now` in virtual milliseconds."""

    conversation: str
    seq: int
    transcript: Sequence[Event]
    tools: Sequence[Tool]
    instructions: str
    now: int
    session: bytes


@dataclass(frozen=True, slots=True)
class Say:
    """Say this; the user's step follows."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """Call this tool."""

    tool: str
    arguments: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Do nothing until then, in virtual milliseconds."""

    until: int


@dataclass(frozen=True, slots=True)
class EndTalk:
    """End the conversation, saying something first when text is not empty."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """What the agent does, what it wants handed back (None: as before), and what it cost if Greenroom paid for it."""

    does: Say | Call | WaitUntil | EndTalk
    session: bytes | None = None
    usage: Usage | None = None


class Target(Protocol):
    """An agent under test. Raises TargetUnavailable for what may pass, TargetFailed for what will not."""

    async def act(self, view: View) -> Action:
        """The agent's next action."""
        ...


class ProcedureAgent:
    """The built-in agent: a model with the revision's instructions, steps and tools."""

    def __init__(self, model: ChatModel, name: str, revision: Revision, system: str, seed: int, index: int) -> None:
        self._model = model
        self._name = name
        self._system = system
        self._brief = AgentBrief(revision.instructions, revision.steps)
        self._seed, self._index = seed, index
        self._messages = Messages(agent_message)

    async def act(self, view: View) -> Action:
        """Ask the model once."""
        request = ChatRequest(
            model=self._name,
            system=self._system,
            messages=self._messages.of(view.transcript),
            tools=(*view.tools, END_CONVERSATION),
            seed=self._seed,
            index=self._index,
            seq=view.seq,
            brief=self._brief,
        )
        try:
            reply = await self._model.complete(request)
        except ModelUnavailable as error:
            raise TargetUnavailable(agent="of the procedure", why=str(error)) from error
        except ModelRefused as error:
            raise TargetFailed(agent="of the procedure", why=str(error)) from error
        usage = Usage(1, reply.usage.input_tokens, reply.usage.output_tokens)
        if reply.call is None:
            return Action(Say(reply.text), usage=usage)
        if reply.call.tool == END_CONVERSATION.name:
            return Action(EndTalk(str(reply.call.arguments.get("text", ""))), usage=usage)
        return Action(Call(reply.call.tool, reply.call.arguments), usage=usage)
