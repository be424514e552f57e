"""The kind `collected`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from shared.errors import Violation
from shared.model.events import Json
from shared.model.expectations.base import CheckContext, Finding, Kind, met, missed
from shared.model.expectations.language import check_argument, check_tool
from shared.model.expectations.matching import matches, shown
from shared.model.expectations.seen import Seen
from shared.patterns import BadPattern, Pattern, compile_pattern


@dataclass(frozen=True, slots=True)
class CollectedValue(Kind):
    """What the last call of a tool has as an argument: a value, or a text that a pattern matches as a whole.

    argument: a dot leads into objects. pattern: None if a value is expected.
    """

    kind: ClassVar[str] = "collected"

    tool: str
    argument: str
    value: Json = None
    pattern: str | None = None

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> "CollectedValue":
        return cls(**record)

    @property
    def subject(self) -> str:
        return f"{self.tool}.{self.argument}"

    @property
    def text(self) -> str:
        expected = shown(self.value) if self.pattern is None else f"a text that {self.pattern} matches"
        return f"The agent passes {expected} to {self.tool} as {self.argument}."

    def check(self, context: CheckContext) -> Iterator[Violation]:
        yield from check_tool(self.tool, "tool", context)
        yield from check_argument(self.tool, self.argument.partition(".")[0], "argument", context)
        if self.pattern is not None:
            try:
                compile_pattern(self.pattern)
                _whole(self.pattern)
            except BadPattern as bad:
                yield Violation("pattern", str(bad))

    def judge(self, seen: Seen) -> Finding:
        call = next((call for call in reversed(seen.calls) if call.tool == self.tool), None)
        if call is None:
            return missed(f"The agent did not call {self.tool}.", (seen.last_seq,))
        found: Json = call.arguments
        for name in self.argument.split("."):
            found = found.get(name) if isinstance(found, Mapping) else None
        if self._is(found):
            return met(call.seq)
        if found is None:
            return missed(f"The agent passed no {self.argument} to {self.tool}.", (call.seq,))
        return missed(f"The agent passed {shown(found)} to {self.tool} as {self.argument}.", (call.seq,))

    def _is(self, found: Json) -> bool:
        if self.pattern is None:
            return matches(self.value, found)
        return isinstance(found, str) and _whole(self.pattern).find(found) is not None


def _whole(pattern: str) -> Pattern:
    return compile_pattern(rf"\A(?:{pattern})\z")
