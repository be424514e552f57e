"""The step `ask`."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from shared.errors import Violation
from shared.model.conditions import RESERVED
from shared.model.steps.actions import Player
from shared.model.steps.base import CheckContext, Schema, Step

_SLOT = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class Ask(Step):
    """Ask for a slot, unless the user has said its value already.

    schema: of the value; a string when empty.
    optional: continue without the value if the user does not give it when asked.
    """

    kind: ClassVar[str] = "ask"
    longest: ClassVar[Mapping[str, int]] = {"slot": 64, "question": 4_000}

    slot: str
    question: str
    schema: Schema = field(default_factory=dict)
    optional: bool = False

    @property
    def fills(self) -> tuple[str, ...]:
        return (self.slot,)

    def check(self, context: CheckContext) -> Iterator[Violation]:
        if not _SLOT.fullmatch(self.slot):
            yield Violation("slot", "A slot's name is a small letter, then small letters, digits or `_`.")
        elif self.slot in RESERVED:
            yield Violation("slot", f"`{self.slot}` has a meaning in conditions; choose another name.")
        yield from context.template("question", self.question)
        if sentence := context.schema_error(self.schema):
            yield Violation("schema", sentence)

    def told(self) -> str:
        return f'Ask for {self.slot}{" (optional)" if self.optional else ""}: "{self.question}"'

    def play(self, player: Player) -> Iterable[Any]:
        return player.ask(self)
