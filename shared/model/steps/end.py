"""The step `end`."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from shared.errors import Violation
from shared.model.steps.actions import Player
from shared.model.steps.base import CheckContext, Step


@dataclass(frozen=True, slots=True)
class End(Step):
    """End the conversation; say `text` first if it is not empty."""

    kind: ClassVar[str] = "end"
    longest: ClassVar[Mapping[str, int]] = {"text": 4_000}

    text: str = ""

    def check(self, context: CheckContext) -> Iterator[Violation]:
        return context.template("text", self.text)

    def told(self) -> str:
        return f"End the conversation{f': {self.text}' if self.text else ''}."

    def play(self, player: Player) -> Iterable[Any]:
        return player.end(self.text)
