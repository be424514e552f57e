"""The kind `exactly`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from shared.errors import Violation
from shared.model.expectations.base import CheckContext, Finding, Kind, met, missed
from shared.model.expectations.language import check_tool
from shared.model.expectations.matching import assigned
from shared.model.expectations.seen import Seen
from shared.model.expectations.tool_call import ExpectedToolCall, told
from shared.words import all_of, any_of


@dataclass(frozen=True, slots=True)
class Exactly(Kind):
    """Of the calls of some tools, the agent makes exactly these, in any order.

    tools: empty: those of the calls. succeeds: calls that a tool answered with an error do not count.
    """

    kind: ClassVar[str] = "exactly"

    calls: tuple[ExpectedToolCall, ...] = ()
    tools: tuple[str, ...] = ()
    succeeds: bool = False

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> "Exactly":
        calls = tuple(map(ExpectedToolCall.read, record.get("calls", ())))
        return cls(calls, tuple(record.get("tools", ())), record.get("succeeds", False))

    @property
    def _counted(self) -> tuple[str, ...]:
        return self.tools or tuple(dict.fromkeys(call.tool for call in self.calls))

    @property
    def subject(self) -> str:
        return "-".join(self._counted)

    @property
    def text(self) -> str:
        without = " without an error" if self.succeeds else ""
        if not self.calls:
            return f"The agent does not call {any_of(self._counted)}{without}."
        calls = all_of(call.text for call in self.calls)
        return f"Of {all_of(self._counted)}, the agent calls exactly {calls}{without}."

    def check(self, context: CheckContext) -> Iterator[Violation]:
        if not self._counted:
            yield Violation("tools", "Name the tools that must not be called, or give the calls.")
        for number, tool in enumerate(self.tools):
            yield from check_tool(tool, f"tools[{number}]", context)
        for number, call in enumerate(self.calls):
            yield from call.check(context, f"calls[{number}].")
            if self.tools and call.tool not in self.tools:
                yield Violation(f"calls[{number}].tool", f"`{call.tool}` is not one of the `tools`.")

    def judge(self, seen: Seen) -> Finding:
        counted = self._counted
        made = [call for call in seen.calls if call.tool in counted and not (self.succeeds and call.error is not None)]
        pairs = assigned(self.calls, made, ExpectedToolCall.fits)
        used = {*pairs.values()}
        others = [call for place, call in enumerate(made) if place not in used]
        lacking = [call for number, call in enumerate(self.calls) if number not in pairs]
        if lacking:
            detail, evidence = lacking[0].found_instead(others)
            return missed(detail, evidence or (seen.last_seq,))
        if others:
            return missed(f"The agent made other calls too: {told(others)}.", [call.seq for call in others])
        return met(*(call.seq for call in made))
