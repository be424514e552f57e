"""A transcript as messages for the persona's model or the agent's model."""

from collections.abc import Callable, Sequence
from typing import assert_never

from shared.llm.base import SILENCE, Message, ToolRequest
from shared.model.events import (
    AgentMessage,
    AttemptStarted,
    Ended,
    Event,
    Opened,
    ToolCall,
    ToolResult,
    UserMessage,
    Waited,
)


class ChatMessages:
    """The messages of a growing transcript as one side's model reads them. Each event is converted once."""

    def __init__(self, message: Callable[[Event], Message | None]) -> None:
        self._message = message
        self._written: list[Message] = []
        self._events: Sequence[Event] = ()

    def of(self, transcript: Sequence[Event]) -> Sequence[Message]:
        """The messages of a transcript, oldest first."""
        known = len(self._events)
        # Another process may have appended other events: then start again.
        if known and (len(transcript) < known or transcript[known - 1] is not self._events[-1]):
            self._written, known = [], 0
        written = (self._message(event) for event in transcript[known:])
        self._written += [message for message in written if message is not None]
        self._events = transcript
        return tuple(self._written)


def persona_message(event: Event) -> Message | None:
    """An event as the persona's model reads it: the agent is the user; silence, tools and waits are left out."""
    match event.body:
        case UserMessage(text, silent=False):
            return Message("assistant", text)
        case AgentMessage(text):
            return Message("user", text)
        case UserMessage() | ToolCall() | ToolResult() | Waited() | Opened() | AttemptStarted() | Ended():
            return None
        case _:
            assert_never(event.body)


def agent_message(event: Event) -> Message | None:
    """An event as the agent's model reads it: the user's messages, its own, its calls and the answers, but no waits."""
    match event.body:
        case UserMessage(text, silent=False):
            return Message("user", text)
        case UserMessage():
            return Message("user", SILENCE)
        case AgentMessage(text):
            return Message("assistant", text)
        case ToolCall(call_id, tool, arguments):
            return Message("assistant", call=ToolRequest(tool, arguments, call_id))
        case ToolResult(call_id, _, answer):
            # The same form as in conditions and templates. The agent does not see the patches of resources.
            error = answer.error and {"error": {"code": answer.error.code, "message": answer.error.message}}
            return Message("tool", result=error or answer.value, call_id=call_id)
        case Waited() | Opened() | AttemptStarted() | Ended():
            return None
        case _:
            assert_never(event.body)
