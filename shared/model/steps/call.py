"""The step `call`."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from shared.errors import Violation
from shared.model.steps.actions import Player
from shared.model.steps.base import CheckContext, Step


@dataclass(frozen=True, slots=True)
class Call(Step):
    """Call a tool. arguments: from each argument's name to the slot that fills it; unfilled ones are left out."""

    kind: ClassVar[str] = "call"
    longest: ClassVar[Mapping[str, int]] = {"tool": 128, "arguments": 64}

    tool: str
    arguments: Mapping[str, str] = field(default_factory=dict)

    def check(self, context: CheckContext) -> Iterator[Violation]:
        tool = context.tools.get(self.tool)
        if tool is None:
            yield Violation("tool", f"The revision has no tool `{self.tool}`{context.near(self.tool, context.tools)}.")
        for argument, slot in self.arguments.items():
            if slot not in context.slots:
                sentence = f"No step asks for the slot `{slot}`{context.near(slot, context.slots)}."
                yield Violation(f"arguments.{argument}", sentence)
            if tool is not None and not tool.takes(argument):
                near = context.near(argument, tool.arguments_schema.get("properties", {}))
                yield Violation(
                    f"arguments.{argument}", f"The tool `{tool.name}` takes no argument `{argument}`{near}."
                )

    def told(self) -> str:
        filled = ", ".join(f"{argument} = {slot}" for argument, slot in self.arguments.items())
        return f"Call the tool {self.tool} with {filled or 'no arguments'}."

    def play(self, player: Player) -> Iterable[Any]:
        return player.call(self.tool, self.arguments)
