"""The kind `told`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from shared.model.expectations.base import Finding, Kind, met, missed
from shared.model.expectations.matching import shown
from shared.model.expectations.seen import Seen, without_commas


@dataclass(frozen=True, slots=True)
class ToldValue(Kind):
    """A value that stands in a message of the agent as a word of its own.

    Case, and commas within numbers, do not count. 5 stands in `$5`, `**5**` and `5.`, not in `15`, `5.5` or `5.00`.
    """

    kind: ClassVar[str] = "told"

    value: str

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> "ToldValue":
        return cls(record["value"])

    @property
    def subject(self) -> str:
        return self.value

    @property
    def text(self) -> str:
        return f"The agent tells the user {shown(self.value)}."

    def judge(self, seen: Seen) -> Finding:
        value, word = _word(self.value)
        for seq, text in seen.plain_said:
            if value in text and word.search(text):
                return met(seq)
        said = (seq for seq, _ in reversed(seen.said))
        return missed(f"The agent never says “{shown(self.value)}”.", (next(said, seen.last_seq),))


@lru_cache(maxsize=1024)
def _word(value: str) -> tuple[str, re.Pattern[str]]:
    """The value as in `plain_said`, and its pattern, which has a fixed width and so takes time linear in the text."""
    plain = without_commas(value.strip())
    return plain, re.compile(rf"(?<![^\W_])(?<!\d\.){re.escape(plain)}(?![^\W_])(?!\.\d)")
