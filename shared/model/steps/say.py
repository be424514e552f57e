"""The step `say`."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from shared.errors import Violation
from shared.model.steps.actions import Player
from shared.model.steps.base import CheckContext, Step


@dataclass(frozen=True, slots=True)
class Say(Step):
    """Say something: a Liquid template over the slots and the tools' results."""

    kind: ClassVar[str] = "say"
    longest: ClassVar[Mapping[str, int]] = {"text": 4_000}

    text: str

    def check(self, context: CheckContext) -> Iterator[Violation]:
        return context.template("text", self.text)

    def told(self) -> str:
        return f'Say: "{self.text}"'

    def play(self, player: Player) -> Iterable[Any]:
        player.say(self.text)
        return ()
