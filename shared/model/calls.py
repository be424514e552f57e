"""Which call a tool result answers."""

from collections import defaultdict

from shared.model.events import ToolCall


class Calls:
    """Pairs results with calls, event by event: a result answers the latest open call with its id and its tool.

    So an id may be used again. A second answer to a call answers it again.
    """

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], list[ToolCall]] = defaultdict(list)
        self._closed: dict[tuple[str, str], ToolCall] = {}

    def add(self, call: ToolCall) -> None:
        """Take note of the next call."""
        self._open[call.call_id, call.tool].append(call)

    def answered(self, call_id: str, tool: str) -> ToolCall | None:
        """The call that the next result answers; None if there is none before it."""
        key = (call_id, tool)
        if self._open[key]:
            self._closed[key] = self._open[key].pop()
        return self._closed.get(key)
