"""The requests to an agent under test or a customer that plays the persona, and their actions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from shared.errors import FailedPrecondition, Unavailable
from shared.llm.briefs import PersonaBrief
from shared.model.events import Event, Json, ModelCall, Thoughts, Usage
from shared.model.steps import Tool

MAX_SESSION_BYTES = 64 * 1024


class TargetUnavailable(Unavailable):
    """The agent {agent} does not answer: {why}."""

    reason = "AGENT_UNAVAILABLE"
    retry_after: float | None = None
    """The seconds after which the agent wants to be asked again, if it said so."""


class TargetFailed(FailedPrecondition):
    """The agent {agent} failed: {why}."""

    reason = "AGENT_FAILED"


@dataclass(frozen=True, slots=True)
class View:
    """What the agent, or the customer, is told of a conversation.

    seq: see State.undisturbed_seq. now: virtual milliseconds. session: what it returned last time.
    persona: whom a customer plays, whose `instructions` tell the same; None for the agent under test.
    """

    conversation: str
    seq: int
    transcript: Sequence[Event]
    tools: Sequence[Tool]
    instructions: str
    now: int
    session: bytes
    persona: PersonaBrief | None = None


@dataclass(frozen=True, slots=True)
class Say:
    """Say this to the other side."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """Call a tool. problem: a sentence if the arguments cannot be used, with which the tool answers."""

    tool: str
    arguments: Mapping[str, Json] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Do nothing until this time, in virtual milliseconds."""

    until: int


@dataclass(frozen=True, slots=True)
class StaySilent:
    """Say nothing this time, as only a customer may."""


@dataclass(frozen=True, slots=True)
class Several:
    """Say these texts, then call these tools side by side. ends: True to end the conversation, without calls."""

    texts: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    ends: bool = False


def said_and_called(text: str, calls: tuple[Call, ...]) -> Call | Several:
    """What a model does whose answer has at least one call; a blank text is not said."""
    texts = (text,) if text.strip() else ()
    return Several(texts, calls) if texts or len(calls) > 1 else calls[0]


@dataclass(frozen=True, slots=True)
class EndTalk:
    """End the conversation. text: said first; may be empty."""

    text: str = ""


Does = Say | Call | Several | WaitUntil | EndTalk | StaySilent


@dataclass(frozen=True, slots=True)
class Action:
    """What the agent, or the customer, does.

    session: handed back with the next view; None leaves it unchanged. usage: what it cost Greenroom, if anything.
    model_call: the call of a model that decided it; None for agents that Greenroom does not play.
    thoughts: of a customer that tells them. steps: of the revision that the built-in agent came through.
    """

    does: Does
    session: bytes | None = None
    usage: Usage | None = None
    model_call: ModelCall | None = None
    thoughts: Thoughts | None = None
    steps: tuple[int, ...] = ()


class Target(Protocol):
    """An agent under test, or a customer that plays the persona."""

    async def act(self, view: View) -> Action:
        """Its next action. Raises TargetUnavailable if another attempt may help, TargetFailed if none will."""
        ...
