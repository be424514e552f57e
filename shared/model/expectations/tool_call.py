"""A call of a tool that is expected, by name and arguments."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.errors import Violation
from shared.model.events import Json
from shared.model.expectations.base import CheckContext
from shared.model.expectations.language import check_argument, check_tool, where
from shared.model.expectations.matching import differences, matches, shown
from shared.model.expectations.seen import MadeCall
from shared.model.expressions import BadExpression
from shared.words import all_of, counted


@dataclass(frozen=True, slots=True)
class ExpectedToolCall:
    """A call: the arguments that must be equal, a condition over `arguments`, and whether the tool must succeed.

    at_least, at_most: how often `called` expects it; 0: once, and any number.
    """

    tool: str
    arguments: Mapping[str, Json] = field(default_factory=dict)
    where: str = ""
    succeeds: bool = False
    at_least: int = 0
    at_most: int = 0

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> "ExpectedToolCall":
        """The call in proto JSON."""
        return cls(**record)

    @property
    def text(self) -> str:
        """The call as a phrase, such as `refund with amount 20`."""
        parts = [f"{name} {shown(value)}" for name, value in self.arguments.items()]
        parts += [self.where] if self.where else []
        return f"{self.tool}{f' with {all_of(parts)}' if parts else ''}{' without an error' if self.succeeds else ''}"

    def check(self, context: CheckContext, within: str = "") -> Iterator[Violation]:
        """What is wrong with it. within: the path of its message, with a dot at its end."""
        yield from check_tool(self.tool, f"{within}tool", context)
        for argument in self.arguments:
            yield from check_argument(self.tool, argument, f"{within}arguments.{argument}", context)
        if self.where:
            try:
                named = sorted(path[1] for path in where(self.where).paths if path[0] == "arguments" and len(path) > 1)
            except BadExpression as bad:
                yield Violation(f"{within}where", str(bad))
                return
            for argument in dict.fromkeys(named):
                yield from check_argument(self.tool, argument, f"{within}where", context)
        if 0 < self.at_most < self.at_least:
            yield Violation(f"{within}at_most", f"It should be at least {self.at_least}, as `at_least` says.")

    def fits(self, call: MadeCall) -> bool:
        """True if the agent's call is this one. Raises TooMuchWork."""
        return (
            call.tool == self.tool
            and (call.succeeded or not self.succeeds)
            and matches(self.arguments, call.arguments)
            and (not self.where or where(self.where).holds({"arguments": call.arguments}))
        )

    def found_instead(self, calls: Iterable[MadeCall]) -> tuple[str, tuple[int, ...]]:
        """A sentence on the nearest of the calls, none of which fits, and its seq; the last of several equally near."""
        same = [call for call in calls if call.tool == self.tool]
        if not same:
            return f"The agent did not call {self.tool}.", ()
        wrong, nearest = min(((self._wrong(call), call) for call in reversed(same)), key=lambda one: len(one[0]))
        others = f" in the nearest of its {len(same)} calls" if len(same) > 1 else ""
        return f"The agent called {self.tool}{others}, but {all_of(wrong)}.", (nearest.seq,)

    def _wrong(self, call: MadeCall) -> list[str]:
        wrong = differences(self.arguments, call.arguments)
        if self.succeeds and not call.succeeded:
            wrong.append(f"the tool answered {call.error}" if call.error else "the tool did not answer")
        if self.where and not where(self.where).holds({"arguments": call.arguments}):
            wrong.append(f"{self.where} does not hold")
        return wrong


def told(calls: Sequence[MadeCall]) -> str:
    """The calls in a sentence: how many of which tool."""
    counts: dict[str, int] = {}
    for call in calls:
        counts[call.tool] = counts.get(call.tool, 0) + 1
    return all_of(f"{tool} {counted(count, 'time')}" for tool, count in counts.items())
