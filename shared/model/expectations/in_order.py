"""The kind `in_order`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from shared.errors import Violation
from shared.model.expectations.base import CheckContext, Finding, Kind, met, missed
from shared.model.expectations.seen import Seen
from shared.model.expectations.tool_call import ExpectedToolCall


@dataclass(frozen=True, slots=True)
class InOrder(Kind):
    """The agent makes these calls in this order; other calls may come between."""

    kind: ClassVar[str] = "in_order"

    calls: tuple[ExpectedToolCall, ...]

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> "InOrder":
        return cls(tuple(map(ExpectedToolCall.read, record.get("calls", ()))))

    @property
    def subject(self) -> str:
        return "-".join(call.tool for call in self.calls)

    @property
    def text(self) -> str:
        return f"The agent calls {', then '.join(call.text for call in self.calls)}."

    def check(self, context: CheckContext) -> Iterator[Violation]:
        for number, call in enumerate(self.calls):
            yield from call.check(context, f"calls[{number}].")

    def judge(self, seen: Seen) -> Finding:
        place = 0
        found: list[int] = []
        # The earliest call that fits leaves the most calls to those that follow.
        for number, wanted in enumerate(self.calls):
            following = (at for at in range(place, len(seen.calls)) if wanted.fits(seen.calls[at]))
            if (at := next(following, None)) is None:
                return self._missed(seen, number, place, found)
            found.append(seen.calls[at].seq)
            place = at + 1
        return met(*found)

    def _missed(self, seen: Seen, number: int, place: int, found: list[int]) -> Finding:
        wanted = self.calls[number]
        early = [call.seq for call in seen.calls[:place] if wanted.fits(call)]
        if early:
            before = self.calls[number - 1].text
            return missed(f"The agent called {wanted.text} before {before}, and not after it.", [*early, *found])
        detail, evidence = wanted.found_instead(seen.calls)
        return missed(detail, [*found, *(evidence or (seen.last_seq,))])
