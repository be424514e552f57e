"""The kinds `called` and `not_called`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from shared.errors import Violation
from shared.model.expectations.base import CheckContext, Finding, Kind, met, missed
from shared.model.expectations.seen import Seen
from shared.model.expectations.tool_call import ExpectedToolCall
from shared.words import counted


@dataclass(frozen=True, slots=True)
class Called(Kind):
    """The agent makes this call, as often as it says."""

    kind: ClassVar[str] = "called"

    call: ExpectedToolCall

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> "Called":
        return cls(ExpectedToolCall.read(record))

    @property
    def subject(self) -> str:
        return self.call.tool

    @property
    def text(self) -> str:
        least, most = self.call.at_least, self.call.at_most
        often = f" at least {counted(least, 'time')}" if least > 1 else ""
        often += f"{' and' if often else ''} at most {counted(most, 'time')}" if most else ""
        return f"The agent calls {self.call.text}{often}."

    def check(self, context: CheckContext) -> Iterator[Violation]:
        return self.call.check(context)

    def judge(self, seen: Seen) -> Finding:
        least, most = self.call.at_least or 1, self.call.at_most
        fitting = [call.seq for call in seen.calls if self.call.fits(call)]
        if not fitting:
            detail, evidence = self.call.found_instead(seen.calls)
            return missed(detail, evidence or (seen.last_seq,))
        if len(fitting) < least or 0 < most < len(fitting):
            wanted = f"at least {least}" if len(fitting) < least else f"at most {most}"
            return missed(
                f"The agent called {self.call.text} {counted(len(fitting), 'time')}, where {wanted} is right.", fitting
            )
        return met(*fitting)


@dataclass(frozen=True, slots=True)
class NotCalled(Kind):
    """The agent does not make this call."""

    kind: ClassVar[str] = "not_called"

    call: ExpectedToolCall

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> "NotCalled":
        return cls(ExpectedToolCall.read(record))

    @property
    def subject(self) -> str:
        return self.call.tool

    @property
    def text(self) -> str:
        return f"The agent does not call {self.call.text}."

    def check(self, context: CheckContext) -> Iterator[Violation]:
        for name in ("at_least", "at_most"):
            if getattr(self.call, name):
                yield Violation(name, "It counts in `called` only; leave it out.")
        yield from self.call.check(context)

    def judge(self, seen: Seen) -> Finding:
        fitting = [call.seq for call in seen.calls if self.call.fits(call)]
        if fitting:
            return missed(f"The agent called {self.call.text} {counted(len(fitting), 'time')}.", fitting)
        return met()
