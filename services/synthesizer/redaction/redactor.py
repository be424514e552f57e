"""Redacts one conversation: equal values get equal pseudonyms, numbered in the order in which they appear."""

import json
import re
from bisect import bisect, insort
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, count
from typing import Any

from services.synthesizer.redaction import KINDS
from services.synthesizer.redaction.asked import LONGEST, SAID, asked_in
from services.synthesizer.redaction.kind import Kind, Span, apart
from services.synthesizer.redaction.legible import legible, readings
from services.synthesizer.redaction.names import name_kind
from services.synthesizer.redaction.own import own_kind
from shared.model.work_budget import work_budget

MOST_WORK = 30_000_000
"""Units of shared/model/work_budget.py for the own patterns on one conversation, at worst half a minute."""
_FEWEST_DIGITS = 7
"""The fewest digits of a number that is redacted."""
_NAME = "name of a member"
"""In place of a key, where the text is a key of an object that has none, or a text's: nobody says it as an answer."""
_ANSWERS = 2
"""How many messages after a question may be its answer."""
_HINT = re.compile(r"[\d@=:%&\\\u3002\uff01-\uff5e]|[(\[{<] ?[aä]t", re.IGNORECASE)
"""Matches every text with a value of a known kind, and fast; also every text with full-width characters."""


@dataclass(frozen=True, slots=True)
class Redaction:
    """What to redact, beside the values of `KINDS` and names. patterns: (name, pattern) of own kinds."""

    patterns: tuple[tuple[str, str], ...] = ()


class Redactor:
    """Redacts the values of one conversation. Nothing is kept that leads from a pseudonym to its value.

    names: of the people who speak.
    counts: by kind, how many values were replaced.
    """

    def __init__(self, redaction: Redaction, names: Iterable[str] = ()) -> None:
        name = name_kind(names)
        self._kinds = (*_kinds(redaction), name) if name else _kinds(redaction)
        self._everywhere = [kind for kind in self._kinds if kind.hint is None]
        self._numbers: dict[tuple[str, str], int] = {}  # by kind and value
        self._unsure: set[tuple[str, str]] = set()  # by kind and value: those that were not certain when they were read
        self._last: Counter[str] = Counter()
        self._made: dict[tuple[str, str], str] = {}  # by kind and value as it is written
        self._asked: frozenset[str] = frozenset()  # names of the kinds that a message before asked for
        self.counts: Counter[str] = Counter()

    def redact(self, value: Any) -> Any:
        """A JSON value with pseudonyms in its texts, keys and numbers. Texts that are JSON are redacted as JSON.

        Raises TooMuchWork for own patterns, RecursionError.
        """
        with work_budget(MOST_WORK):
            redacted = self._value(value, "")
            if any(which in self._numbers for which in self._unsure):
                # A value was certain only after a place where it was not.
                self.counts.clear()
                redacted = self._value(value, "")
        return redacted

    def has_pseudonym(self, text: str) -> bool:
        """True if a pseudonym is in the text."""
        return any(pseudonym in text for pseudonym in self._made.values())

    def masked(self, text: str) -> str:
        """The text with `[email]` and so on for its values."""
        return _joined(text, [(start, end, f"[{kind.name}]") for start, end, kind in self.found(text)])

    def found(self, text: str, key: str = "") -> Sequence[tuple[int, int, Kind]]:
        """Where the values in the text are, in order and apart: of two that overlap, that of the earlier kind.

        key: of the JSON member that has the text.
        """
        if not self._everywhere and not self._asked and not _HINT.search(text):
            return ()
        taken: list[Span] = []
        found: list[tuple[int, int, Kind]] = []
        for reading, placed in readings(text):
            for span, kind in self._found(reading, key):
                if _free(taken, place := placed(span)):
                    insort(taken, place)
                    found.append((*place, kind))
        return sorted(found, key=lambda one: one[0]) if len(found) > 1 else found

    def _found(self, text: str, key: str) -> Iterator[tuple[Span, Kind]]:
        """The values of each kind; they may overlap."""
        asked = self._asked if self._asked and key in SAID and len(text) <= LONGEST else frozenset[str]()
        for kind in self._kinds if asked or _HINT.search(text) else self._everywhere:
            answers = kind.asked if kind.name in asked else None
            if answers is None and kind.hint is not None and not kind.hint.search(text):
                continue
            certain = apart((*kind.find(text, key), *(answers(text, key) if answers else ())))
            for span in certain:
                yield span, kind
            for span in kind.perhaps(text, key) if kind.perhaps else ():
                if _free(certain, span) and self._is_known(kind, text[slice(*span)]):
                    yield span, kind

    def _is_known(self, kind: Kind, value: str) -> bool:
        which = kind.name, kind.same(value)
        if which not in self._numbers:
            self._unsure.add(which)
        return which in self._numbers

    def _value(self, value: Any, key: str) -> Any:
        match value:
            case str():
                return self._text(value, key)
            case dict():
                return self._members(value, key)
            case list():
                return self._items(value, key)
            case int() if abs(value) >= 10 ** (_FEWEST_DIGITS - 1):
                text = self._plain(str(value), key)
                return int(text) if text.removeprefix("-").isdecimal() else text
            case float() if abs(value) >= 10 ** (_FEWEST_DIGITS - 1) and value.is_integer():
                whole = int(value)  # a column with gaps has its telephone numbers as floats
                redacted = self._value(whole, key)
                return value if redacted == whole else redacted
            case _:
                return value

    def _members(self, members: dict[str, Any], key: str) -> dict[str, Any]:
        """The members of an object. Keys that become equal, as two spellings of an address do, are numbered.

        key: of the object. It says what its keys are, as the type of a resource says what its id is.
        """
        redacted: dict[str, Any] = {}
        label = _NAME if not key or key in SAID else key
        kind = members.get("type")
        for name, member in members.items():
            plain = self._plain(name, label)
            keys = chain([plain], (f"{plain} {number}" for number in count(2)))
            says = kind if name == "id" and isinstance(kind, str) else name
            redacted[next(one for one in keys if one not in redacted)] = self._value(member, says)
        return redacted

    def _items(self, items: Sequence[Any], key: str) -> list[Any]:
        """The items of a list. What a message asks for is certain in the `_ANSWERS` after it, until one has it."""
        outer, redacted = self._asked, []
        still: dict[str, int] = {}  # by kind that was asked for: how many messages may still answer
        for item in items:
            self._asked = outer.union(still)
            before = Counter(self.counts) if still else self.counts
            redacted.append(self._value(item, key))
            still = {name: left - 1 for name, left in still.items() if left > 1 and self.counts[name] == before[name]}
            still |= dict.fromkeys(asked_in(item), _ANSWERS)
        self._asked = outer
        return redacted

    def _text(self, text: str, key: str) -> str:
        if text.lstrip()[:1] in ("{", "["):
            try:
                value = json.loads(text)
            except (ValueError, RecursionError):
                return self._plain(text, key)
            if (redacted := self._value(value, key)) != value:
                return json.dumps(redacted, ensure_ascii=False)
        return self._plain(text, key)

    def _plain(self, text: str, key: str) -> str:
        found = self.found(text, key)
        if not found:
            return text
        return _joined(
            text, [(start, end, self._pseudonym(kind, legible(text[start:end]))) for start, end, kind in found]
        )

    def _pseudonym(self, kind: Kind, value: str) -> str:
        self.counts[kind.name] += 1
        written = kind.name, value
        if written not in self._made:
            which = kind.name, kind.same(value)
            if which not in self._numbers:
                self._last[kind.name] += 1
                self._numbers[which] = self._last[kind.name]
            self._made[written] = kind.pseudonym(value, self._numbers[which])
        return self._made[written]


@lru_cache(maxsize=16)
def _kinds(redaction: Redaction) -> tuple[Kind, ...]:
    return (*(own_kind(name, pattern) for name, pattern in redaction.patterns), *KINDS)


def _free(taken: Sequence[Span], span: Span) -> bool:
    """True if none of these spans, which are in order and apart, overlaps this one."""
    start, end = span
    after = bisect(taken, span)
    return (after == 0 or taken[after - 1][1] <= start) and (after == len(taken) or end <= taken[after][0])


def _joined(text: str, replaced: Sequence[tuple[int, int, str]]) -> str:
    """The text with the parts between these offsets replaced."""
    parts: list[str] = []
    last = 0
    for start, end, new in replaced:
        parts += text[last:start], new
        last = end
    return "".join((*parts, text[last:]))
