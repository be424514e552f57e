"""What a step can do when it is played."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol


class Player(Protocol):
    """Plays a procedure's steps. `ask`, `call` and `end` return the agent's actions, one at a time."""

    def say(self, template: str) -> None:
        """Say this at the start of the agent's next message."""
        ...

    def ask(self, step: Any) -> Iterable[Any]:
        """Ask for a slot until it is filled, or the user declines."""
        ...

    def call(self, tool: str, arguments: Mapping[str, str]) -> Iterable[Any]:
        """Call a tool. arguments: from each argument's name to the slot that fills it."""
        ...

    def end(self, template: str) -> Iterable[Any]:
        """End the conversation with these last words."""
        ...

    def holds(self, condition: str) -> bool:
        """True if the CEL condition holds now."""
        ...

    def go_to(self, step_id: str) -> None:
        """Play the step with this id next; "" is the step that follows."""
        ...
