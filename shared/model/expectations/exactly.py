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

    tools: empty: those of the calls.
    """

    kind: ClassVar[str] = "exactly"

    calls: tuple[ExpectedToolCall, ...] = ()
    tools: tuple[str, ...] = ()

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> "Exactly":
        return cls(tuple(map(ExpectedToolCall.read, record.get("calls", ()))), tuple(record.get("tools", ())))

    @property
    def _counted(self) -> tuple[str, ...]:
        return self.tools or tuple(dict.fromkeys(call.tool for call in self.calls))

    @property
    def subject(self) -> str:
        return "-".join(self._counted)

    @property
    def text(self) -> str:
        if not self.calls:
            return f"The agent does not call {any_of(self._counted)}."
        return f"Of {all_of(self._counted)}, the agent calls exactly {all_of(call.text for call in self.calls)}."

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
        made = [call for call in seen.calls if call.tool in counted]
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
