"""Understands wishes in words, as far as they name fields, values and scenarios of a domain. Pure.

What is not understood is said, never guessed.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TypeVar

from shared.model.events import Json
from shared.model.packs.model import Constraint, Entity, Field, FieldType, Pack
from shared.model.packs.values import NUMERIC, TEXTUAL
from shared.rules.money import decimals_of

T = TypeVar("T")
Words = tuple[str, ...]

_AMOUNT = r"(?P<{0}>\d{{4}}-\d{{2}}-\d{{2}}|-?\d+(?:\.\d+)?)(?:\s*(?P<{0}_unit>%|[a-z]{{3}}\b|€|\$|£))?"
_SIGNS = {"€": "EUR", "$": "USD", "£": "GBP"}
_RANGES = tuple(
    (re.compile(pattern), low, high, exclusive)
    for pattern, low, high, exclusive in (
        (rf"\b(?:between|from)\s+{_AMOUNT.format('a')}\s+(?:and|to)\s+{_AMOUNT.format('b')}", "a", "b", False),
        (rf"\b(?:no more than|at most|up to|maximum|max)\s+{_AMOUNT.format('b')}", "", "b", False),
        (rf"\b(?:no less than|at least|minimum|min|since)\s+{_AMOUNT.format('a')}", "a", "", False),
        (rf"(?:\b(?:more than|greater than|over|above|after)|>)\s*{_AMOUNT.format('a')}", "a", "", True),
        (rf"(?:\b(?:less than|fewer than|under|below|before)|<)\s*{_AMOUNT.format('b')}", "", "b", True),
        (rf"(?:\b(?:exactly|equals?)|=)\s*{_AMOUNT.format('a')}", "a", "a", False),
    )
)
_SHARE = re.compile(r"(?P<share>\d+(?:\.\d+)?)\s*(?:%|percent\b)\s*(?:of\s+)?$")
_NOT = re.compile(r"\b(?:no|not|without|except|never)\s+$")
_GIVEN = re.compile(r"\b(?:with(?: an?)?|required|present|given|always)\b")
_CHARACTERS = re.compile(r"\b(?:characters|letters|chars)\b")
_WORD = re.compile(r"[^\W_]+")
_SPACES = re.compile(r"[\s_-]+")
_IDLE = frozenset(
    "a all an and are as at be by create each every few for from generate give have i in is it just let like make me "
    "must need of on only or our please records should some that the them their they to use want we where which whose "
    "will with would values value field has its characters letters chars required present given always".split()
)
"""Words that ask for nothing by themselves."""


@dataclass(frozen=True, slots=True)
class Understood:
    """What a hint asks for. shares: by scenario, 0 to 1. ignored: words that were not understood.

    why: why nothing was understood, a sentence; empty if something was.
    """

    constraints: tuple[Constraint, ...] = ()
    shares: Mapping[str, float] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    why: str = ""


class Vocabulary:
    """The names of an entity's fields, of their values and of a pack's scenarios, by their words.

    Values without words of their own, such as `A+` or `a`, are left out.
    """

    def __init__(self, pack: Pack, entity: Entity) -> None:
        self.entity = entity
        self.fields = {words: one for one in entity.fields if (words := _words(one.name))}
        self.scenarios = {words: one.id for one in pack.scenarios if (words := _words(one.id))}
        self.values: dict[Words, list[tuple[Field, Json]]] = {}
        for one in entity.fields:
            for value in one.values:
                words = _words(str(value))
                if not _IDLE.issuperset(words) and _SPACES.sub(" ", str(value).casefold()) == " ".join(words):
                    self.values.setdefault(words, []).append((one, value))

    def understand(self, hint: str) -> Understood:
        """What a hint in English asks of records of the entity."""
        return _Reader(hint, self).read()


def _words(name: str) -> Words:
    return tuple(_WORD.findall(name.casefold()))


class _Reader:
    def __init__(self, hint: str, vocabulary: Vocabulary) -> None:
        self._text = " ".join(hint.casefold().split())
        self._left = self._text
        self._known = vocabulary
        self._entity = vocabulary.entity

    def read(self) -> Understood:
        shares = dict(self._shares())
        fields = [one for one, _ in self._named(self._known.fields)]
        constraints: list[Constraint] = []
        try:
            constraints += self._bounds(fields)
            constraints += self._values(fields)
        except _Unclear as unclear:
            return Understood(why=str(unclear))
        if not constraints and not shares and fields and _GIVEN.search(self._text):
            constraints = [self._constraint(one, nullable=False) for one in fields if one.nullable]
        if not constraints and not shares:
            return Understood(why=self._why(fields))
        return Understood(tuple(constraints), shares, tuple(self._ignored()))

    def _why(self, fields: Sequence[Field]) -> str:
        if fields:
            names = ", ".join(f"`{one.name}`" for one in fields)
            return f"It names {names} and no value or bound that is understood, such as `at least 5`."
        return f"It names no field, value or scenario that `{self._entity.name}` has."

    def _named(self, known: Mapping[Words, T]) -> Iterator[tuple[T, int]]:
        """What the text that is left names, the longest names first, and where each stood; it is consumed."""
        longest = max(map(len, known), default=0)
        for count in range(min(longest, len(_WORD.findall(self._left))), 0, -1):
            words = list(_WORD.finditer(self._left))
            while len(words) >= count:
                span = self._left[words[0].start() : words[count - 1].end()]
                found = known.get(_words(span)) or known.get(_words(span.removesuffix("s")))
                if found is None or _SPACES.sub("", _WORD.sub("", span)):  # such as a comma between two words
                    del words[0]
                    continue
                start = words[0].start()
                self._left = self._left[:start] + " " * len(span) + self._left[start + len(span) :]
                yield found, start
                del words[:count]

    def _shares(self) -> Iterator[tuple[str, float]]:
        for scenario, start in self._named(self._known.scenarios):
            share = _SHARE.search(self._left[:start])
            if share:
                self._consume(share)
            yield scenario, min(float(share["share"]) / 100, 1.0) if share else 1.0

    def _bounds(self, fields: Sequence[Field]) -> Iterator[Constraint]:
        for pattern, low, high, exclusive in _RANGES:
            found = pattern.search(self._left)
            if not found:
                continue
            length = bool(_CHARACTERS.match(self._left[found.end() :].lstrip()))
            one = self._bounded(fields, found, length=length)
            self._consume(found)
            if length:
                yield self._constraint(
                    one,
                    min_length=_whole(found, low) + exclusive if low else 0,
                    max_length=_whole(found, high) - exclusive if high else None,
                )
                continue
            yield self._constraint(
                one,
                minimum=_value(one, found, low) if low else None,
                maximum=_value(one, found, high) if high else None,
                exclusive_minimum=exclusive and bool(low),
                exclusive_maximum=exclusive and bool(high),
            )

    def _bounded(self, fields: Sequence[Field], found: re.Match[str], *, length: bool) -> Field:
        """The field that a range is about. Raises _Unclear."""
        ordered = NUMERIC | {FieldType.DATE, FieldType.DATETIME}
        fitting = [one for one in fields if one.type in (TEXTUAL if length else ordered)]
        if len(fitting) != 1:
            of = " and ".join(f"`{one.name}`" for one in fitting) or "no field that has bounds"
            raise _Unclear(f"`{found[0]}` bounds one field, and the hint names {of}; write one hint a field.")
        return fitting[0]

    def _values(self, fields: Sequence[Field]) -> Iterator[Constraint]:
        """Enumerated values that the hint names. Raises _Unclear."""
        kept: dict[str, list[Json]] = {}
        dropped: dict[str, list[Json]] = {}
        owners: dict[str, Field] = {}
        for having, start in self._named(self._known.values):
            of = [one for one in having if one[0] in fields] or having
            if len(of) > 1:
                names = " or ".join(f"`{one.name}`" for one, _ in of)
                raise _Unclear(f"`{of[0][1]}` is a value of {names}; name the field.")
            ((owner, value),) = of
            owners[owner.name] = owner
            negated = _NOT.search(self._left[:start])
            if negated:
                self._consume(negated)
            (dropped if negated else kept).setdefault(owner.name, []).append(value)
        for name, owner in owners.items():
            wanted = kept.get(name) or [value for value in owner.values if value not in dropped[name]]
            yield self._constraint(owner, values=tuple(value for value in owner.values if value in wanted))

    def _constraint(self, one: Field, **asked: Json) -> Constraint:
        return replace(Constraint(self._entity.name, one.name), **asked)

    def _consume(self, found: re.Match[str]) -> None:
        self._left = self._left[: found.start()] + " " * len(found[0]) + self._left[found.end() :]

    def _ignored(self) -> Iterator[str]:
        own = {self._entity.name, *_WORD.findall(self._entity.name.replace("_", " "))}
        for word in _WORD.findall(self._left):
            if word not in _IDLE and word not in own and word.removesuffix("s") not in own:
                yield word


class _Unclear(Exception):
    """The hint can mean several things, or nothing that a constraint can say; the message says what would be right."""


def _whole(found: re.Match[str], group: str) -> int:
    return int(Decimal(found[group]))


def _value(one: Field, found: re.Match[str], group: str) -> Json:
    """The number or date of a range as a value of the field. Raises _Unclear."""
    text = found[group]
    if one.type in (FieldType.DATE, FieldType.DATETIME):
        if "-" not in text[1:]:
            raise _Unclear(f"`{one.name}` is a {one.type}; write one such as 2026-01-31.")
        return text
    if "-" in text[1:]:
        raise _Unclear(f"`{one.name}` is {one.type}, not a date.")
    number = Decimal(text)
    if one.type is FieldType.MONEY:
        number = number.scaleb(decimals_of(_currency(one, found, group)))
    if abs(number) >= 1 << 53:
        raise _Unclear(f"The number that begins with {text[:20]} is too large.")
    if number == int(number):
        return int(number)
    if one.type is FieldType.NUMBER:
        return float(number)
    raise _Unclear(f"`{text}` has more decimals than `{one.name}`, which is {one.type}.")


def _currency(one: Field, found: re.Match[str], group: str) -> str:
    """The currency of an amount, which may stand behind the other amount of a range. Raises _Unclear."""
    other = next((found[name] for name in ("b_unit", "a_unit") if name in found.re.groupindex and found[name]), None)
    unit = found[f"{group}_unit"] or other or ""
    currency = _SIGNS.get(unit, unit.upper())
    needed = one.currency if len(one.currency) == 3 else ""
    if not currency or (needed and currency != needed):
        raise _Unclear(f"`{one.name}` is money; write amounts with the currency, such as `10 {needed or 'EUR'}`.")
    return currency
