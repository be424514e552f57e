"""The kind `ends`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from shared.model.expectations.base import Finding, Kind, met, missed
from shared.model.expectations.seen import Seen
from shared.words import any_of


@dataclass(frozen=True, slots=True)
class EndReasons(Kind):
    """Why the conversation ends."""

    kind: ClassVar[str] = "ends"

    reasons: tuple[str, ...]

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> "EndReasons":
        return cls(tuple(record.get("reasons", ())))

    @property
    def subject(self) -> str:
        return ""

    @property
    def text(self) -> str:
        return f"The conversation ends with {any_of(self.reasons)}."

    def judge(self, seen: Seen) -> Finding:
        if seen.reason in self.reasons:
            return met(seen.last_seq)
        return missed(f"It ended with {seen.reason or 'no reason'}.", (seen.last_seq,))
