"""A transcript as the models on either side of it read it."""

from collections.abc import Callable, Sequence

from shared.llm.base import SILENCE, Message, ToolRequest
from shared.model.events import AgentMessage, Event, ToolCall, ToolResult, UserMessage


class Messages:
    """A transcript as one side's model sees it; what was written before is not written again."""

    def __init__(self, message: Callable[[Event], Message | None]) -> None:
        self._message = message
        self._written: list[Message] = []
        self._events: Sequence[Event] = ()

    def of(self, transcript: Sequence[Event]) -> Sequence[Message]:
        """The messages of a transcript, oldest first."""
        known = len(self._events)
        # After a lost race the log may go on otherwise than this conversation did.
        if known and (len(transcript) < known or transcript[known - 1] is not self._events[-1]):
            self._written, known = [], 0
        written = (self._message(event) for event in transcript[known:])
        self._written += [message for message in written if message is not None]
        self._events = transcript
        return tuple(self._written)


def persona_message(event: Event) -> Message | None:
    """An event as the persona sees it: the agent is its user; silence and tools are out of its sight."""
    match event.body:
        case UserMessage(text, silent=False):
            return Message("assistant", text)
        case AgentMessage(text):
            return Message("user", text)
        case _:
            return None


def agent_message(event: Event) -> Message | None:
    """An event as the agent sees it: what the user said, what it said itself, its calls and their answers."""
    match event.body:
        case UserMessage(text, silent=False):
            return Message("user", text)
        case UserMessage():
            return Message("user", SILENCE)
        case AgentMessage(text):
            return Message("assistant", text)
        case ToolCall(_, tool, arguments):
            return Message("assistant", call=ToolRequest(tool, arguments))
        case ToolResult(_, _, answer):
            # As conditions and templates find it. What it changes in the world is not the agent's to see.
            error = answer.error and {"error": {"code": answer.error.code, "message": answer.error.message}}
            return Message("tool", result=error or answer.value)
        case _:
            return None
