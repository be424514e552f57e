"""The kind `condition`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from shared.errors import Violation
from shared.model.expectations.base import CheckContext, Finding, Kind, met, missed
from shared.model.expectations.language import check_condition, condition
from shared.model.expectations.seen import Seen
from shared.model.expressions import ExpressionFailed
from shared.plain import plain


@dataclass(frozen=True, slots=True)
class Holds(Kind):
    """A CEL condition over the transcript."""

    kind: ClassVar[str] = "condition"

    source: str

    @classmethod
    def read(cls, record: str) -> "Holds":
        return cls(record)

    @property
    def subject(self) -> str:
        return ""

    @property
    def text(self) -> str:
        return f"{self.source} holds."

    def check(self, context: CheckContext) -> Iterator[Violation]:
        return check_condition(self.source, "", context)

    def judge(self, seen: Seen) -> Finding:
        try:
            if condition(self.source).value(seen) is True:
                return met()
        except ExpressionFailed as failed:
            return missed(f"The condition has no value: {plain(str(failed), 200)}.", (seen.last_seq,))
        return missed("The condition does not hold.", (seen.last_seq,))
