"""Decides for which contacts the branches of a condition hold: always, never, or only where an earlier one holds.

Each name has few values that matter: those that comparisons name, those between them, and the bounds of its field. All
combinations are tried at once: a set of combinations is an integer with one bit for each. What is not a comparison of a
name with a constant, such as `reply.matches('yes')`, may be true or false independently of the rest, and an error where
it can fail. So what is found to be always or never is so; what depends on such parts may stay undecided.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import prod
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from shared.model.campaigns.conditions import Conditions
from shared.model.campaigns.model import EMPTY, Field, FieldType, Weekday
from shared.model.events import Json

MAX_COMBINATIONS = 16_384
"""Branches with more combinations together are decided one by one, or not at all."""

_TOKENS = re.compile(
    r"""(?P<text>[rRbB]{0,2}("{3}|'{3}|"|')(?:\\.|(?!\2).)*\2)|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?[uU]?)"""
    r"""|(?P<name>[A-Za-z_]\w*)|&&|\|\||[=!<>]=|//[^\n]*|[^\s\w]""",
    re.DOTALL,
)
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_SAFE = frozenset(("matches", "contains", "startsWith", "endsWith", "size"))
"""Functions that never fail on texts and lists, if a pattern is one."""
_FAILING = frozenset("/%[-+*")
_WORDS = frozenset(("in", "true", "false", "null"))


@dataclass(frozen=True, slots=True)
class Solved:
    """What was found about the branches of a condition.

    always, never: branches by index that hold for all, or for no contact. shadowed: those that hold only where an
    earlier one does. otherwise: an example of a contact for which none holds; "" if every contact has a branch; None if
    it is not known.
    """

    always: frozenset[int]
    never: frozenset[int]
    shadowed: frozenset[int]
    otherwise: str | None


class Solver:
    """Solves conditions over the declared fields of contacts; equal ones only once."""

    def __init__(self, contact: Iterable[Field]) -> None:
        self._fields = {f"contact.{one.name}": one for one in contact}
        self._conditions = Conditions(self._fields.values())
        self._types = {**_TYPES, **{name: _TYPE_OF[one.type] for name, one in self._fields.items()}}
        self._solved: dict[tuple[str, ...], Solved] = {}

    def solve(self, conditions: Sequence[str]) -> Solved:
        """What is found about branches with these conditions, in order. Raises BadExpression."""
        key = tuple(conditions)
        if key not in self._solved:
            self._solved[key] = self._solve(key)
        return self._solved[key]

    def parse(self, source: str) -> "Expression":
        """A condition in parts. Raises BadExpression."""
        parsed = Parser(source, self._types, self._constant).parse()
        if not parsed.typed:  # CEL takes a millisecond
            self._conditions.compile(source)
        return parsed

    def _solve(self, sources: tuple[str, ...]) -> Solved:
        parsed = [self.parse(source) for source in sources]
        space = self._space(parsed)
        if space is None:
            always, never = set(), set()
            for number, one in enumerate(parsed):
                alone = self._space([one])
                if alone is not None:
                    holds, _ = alone.pair(one)
                    if holds == alone.all:
                        always.add(number)
                    elif not holds:
                        never.add(number)
            return Solved(frozenset(always), frozenset(never), frozenset(), None)
        always, never, shadowed = set(), set(), set()
        covered = 0
        for number, one in enumerate(parsed):
            holds, _ = space.pair(one)
            if not holds:
                never.add(number)
            elif holds == space.all:
                always.add(number)
            if holds and not holds & ~covered:
                shadowed.add(number)
            covered |= holds
        left = space.all & ~covered
        # An example is only certain if it does not depend on what a part that was not solved gives.
        certain = space.certain(left)
        otherwise = "" if not left else (space.example(certain) if certain else None)
        return Solved(frozenset(always), frozenset(never), frozenset(shadowed), otherwise)

    def _space(self, parsed: Sequence["Expression"]) -> "Space | None":
        literals, opaque = named(parsed)
        values = {name: self.values(name, found) for name, found in sorted(literals.items())}
        size = 1
        for inside in [*values.values(), *opaque.values()]:
            size *= len(inside)
            if size > MAX_COMBINATIONS:
                return None
        return Space(values, opaque)

    def _constant(self, source: str) -> bool | None:
        """The value of an expression without names; None if it has none."""
        try:
            return bool(self._conditions.compile(source).holds({}))
        except ValueError:
            return None

    def values(self, name: str, literals: Sequence[Any]) -> tuple[Any, ...]:
        """The values of a name that matter, given the constants that it is compared with."""
        if name.startswith("tags "):
            return (True, False)
        if name == "time.weekday":
            return tuple(day.value for day in Weekday)
        low, high = _BOUNDS.get(name, (None, None))
        declared = self._fields.get(name)
        if declared is None:
            kind = FieldType.TEXT if name in ("reply", "time.date") else FieldType.INTEGER
            kind = FieldType.NUMBER if name == "sentiment" else kind
            return tuple(_candidates(kind, literals, low, high))
        if declared.values:
            found = list(declared.values)
        elif declared.type is FieldType.BOOLEAN:
            found = [True, False]
        else:
            found = _candidates(declared.type, literals, declared.minimum, declared.maximum)
        empty = EMPTY[declared.type] if declared.default is None else declared.default
        return tuple(dict.fromkeys([*found, empty]))


def named(
    parsed: Iterable["Expression"],
) -> tuple[Mapping[str, Sequence[Any]], Mapping[str, Sequence[bool | None]]]:
    """The constants that each name is compared with, and the outcomes of parts that are not solved, by their text."""
    literals: dict[str, list[Any]] = {}
    opaque: dict[str, bool] = {}
    rest = list(parsed)
    while rest:
        one = rest.pop()
        rest += one.parts
        if one.name:
            literals.setdefault(one.name, []).extend(one.literals)
        elif one.opaque:
            opaque[one.opaque] = one.may_fail
    return literals, {text: (True, False, None)[: 2 + fails] for text, fails in sorted(opaque.items())}


_TYPE_OF: Mapping[FieldType, type] = {
    FieldType.TEXT: str,
    FieldType.INTEGER: int,
    FieldType.NUMBER: float,
    FieldType.BOOLEAN: bool,
    FieldType.DATE: str,
}
_TYPES: Mapping[str, type] = {
    "reply": str,
    "sentiment": float,
    "clicks": int,
    "opens": int,
    "time.date": str,
    "time.weekday": str,
    "time.hour": int,
    "time.minute": int,
    "time.day": int,
}
_BOUNDS: Mapping[str, tuple[float | None, float | None]] = {
    "time.hour": (0, 23),
    "time.minute": (0, 59),
    "time.day": (0, None),
    "clicks": (0, None),
    "opens": (0, None),
    "sentiment": (-1, 1),
}


def _candidates(kind: FieldType, literals: Sequence[Any], low: float | None, high: float | None) -> list[Any]:
    if kind in (FieldType.TEXT, FieldType.DATE):
        texts = [one for one in literals if isinstance(one, str)]
        # A text right after another one is between it and the next.
        return list(dict.fromkeys(["", *(text for one in texts for text in (one, f"{one}\x01"))]))
    numbers = sorted(
        {one for one in literals if isinstance(one, int | float)} | {one for one in (low, high) if one is not None}
    )
    if kind is FieldType.INTEGER:
        found: set[Any] = {int(number) + by for number in numbers for by in (-1, 0, 1)} or {0}
    else:
        between = {(first + second) / 2 for first, second in pairwise(numbers)}
        ends = {numbers[0] - 1, numbers[-1] + 1} if numbers else {0.0}
        found = {float(number) for number in {*numbers, *between, *ends}}
    return sorted(one for one in found if (low is None or one >= low) and (high is None or one <= high))


@dataclass(frozen=True, slots=True)
class Expression:
    """A part of a condition.

    kind: `all`, `any`, `not`, `if`, `constant`, `compare` or `opaque`. holds: of `compare`, whether it holds for a
    value of `name`. opaque: the text of a part that is not solved. typed: CEL would certainly compile it.
    """

    kind: str
    parts: tuple["Expression", ...] = ()
    name: str = ""
    literals: tuple[Any, ...] = ()
    holds: Callable[[Any], bool] | None = None
    constant: bool = False
    opaque: str = ""
    may_fail: bool = True
    typed: bool = False


class Space:
    """All combinations of the values of names, and of the outcomes of parts that are not solved."""

    def __init__(self, values: Mapping[str, Sequence[Any]], opaque: Mapping[str, Sequence[bool | None]]) -> None:
        self._values = values
        self._strides: dict[str, tuple[int, Sequence[Any]]] = {}
        self._free = prod(map(len, opaque.values()))
        stride = 1
        for name, inside in [*opaque.items(), *values.items()]:
            self._strides[name] = stride, inside
            stride *= len(inside)
        self._size = stride
        self.all = (1 << stride) - 1

    def where(self, name: str, chosen: Callable[[Any], bool]) -> int:
        """The combinations in which the value of a name is chosen."""
        stride, inside = self._strides[name]
        block = sum(((1 << stride) - 1) << (number * stride) for number, one in enumerate(inside) if chosen(one))
        return block * (self.all // ((1 << (stride * len(inside))) - 1))

    def pair(self, one: Expression) -> tuple[int, int]:
        """The combinations in which an expression is true, and those in which it is false; elsewhere it fails."""
        match one.kind:
            case "constant":
                return (self.all, 0) if one.constant else (0, self.all)
            case "compare":
                assert one.holds is not None
                true = self.where(one.name, one.holds)
                return true, self.all & ~true
            case "opaque":
                return self.where(one.opaque, lambda value: value is True), self.where(
                    one.opaque, lambda value: value is False
                )
            case "not":
                true, false = self.pair(one.parts[0])
                return false, true
        pairs = [self.pair(part) for part in one.parts]
        if one.kind == "if":
            (yes, no), (first, not_first), (second, not_second) = pairs
            return (yes & first) | (no & second), (yes & not_first) | (no & not_second)
        true, false = pairs[0]
        for also, also_not in pairs[1:]:
            if one.kind == "all":
                true, false = true & also, false | also_not
            else:
                true, false = true | also, false & also_not
        return true, false

    def certain(self, among: int) -> int:
        """Those combinations of names in which all outcomes of parts that are not solved are among the given."""
        if self._free == 1:
            return among
        found, block = 0, (1 << self._free) - 1
        for start in range(0, self._size, self._free):
            if (among >> start) & block == block:
                found |= 1 << start
        return found

    def example(self, among: int) -> str:
        """One of the combinations in words, such as `plan = 'free', age = 17`."""
        at = (among & -among).bit_length() - 1
        told = []
        for name in self._values:
            stride, inside = self._strides[name]
            told.append(_told(name, inside[at // stride % len(inside)]))
        return ", ".join(told) or "any contact"


def _told(name: str, value: Any) -> str:
    shown = name.removeprefix("contact.")
    if name.startswith("tags "):
        return f"{'with' if value else 'without'} the tag {name.removeprefix('tags ')}"
    if isinstance(value, str):
        if value == "":
            return f"no {shown}"
        return f"{shown} after {value[:-1]!r}" if value.endswith("\x01") else f"{shown} = {value!r}"
    return f"{shown} = {str(value).lower() if isinstance(value, bool) else value}"


@dataclass(slots=True)
class Parser:
    """Reads a condition; what it cannot read counts as true or false independently."""

    source: str
    types: Mapping[str, type]
    constant: Callable[[str], bool | None]
    tokens: list[tuple[str, str, int, int]] = field(default_factory=list)

    def parse(self) -> Expression:
        for found in _TOKENS.finditer(self.source):
            if not found[0].startswith("//"):
                kind = "text" if found["text"] else "number" if found["number"] else "name" if found["name"] else ""
                self.tokens.append((found[0], kind, found.start(), found.end()))
        return self._part(0, len(self.tokens), 0)

    def _part(self, start: int, end: int, depth: int) -> Expression:
        """The expression in a range of tokens. depth: of brackets and operators around it."""
        if start >= end or depth > _DEEPEST:
            return Expression("opaque", opaque=f"{start}:{end} of {self.source}")
        while end - start >= 2 and self._text(start) == "(" and self._closing(start, end) == end - 1:
            start, end = start + 1, end - 1
        level = self._levels(start, end)
        if "?" in level:
            first = level["?"][0]
            colon = self._colon(first, end)
            if colon is None:
                return self._opaque(start, end)
            return self._joined("if", [(start, first), (first + 1, colon), (colon + 1, end)], depth)
        for sign, kind in (("||", "any"), ("&&", "all")):
            if sign in level:
                ends = [*level[sign], end]
                starts = [start, *(one + 1 for one in level[sign])]
                return self._joined(kind, list(zip(starts, ends, strict=True)), depth)
        compared = [(at, sign) for sign in (*_COMPARE, "in") for at in level.get(sign, ())]
        if len(compared) == 1:
            at, sign = compared[0]
            return self._comparison(start, at, end, sign) or self._opaque(start, end)
        if not compared and self._text(start) == "!":
            return self._joined("not", [(start + 1, end)], depth)
        name = self._name(start, end)
        if self.types.get(name) is bool:
            return Expression("compare", (), name, (), bool, typed=True)
        return self._opaque(start, end)

    def _joined(self, kind: str, ranges: Sequence[tuple[int, int]], depth: int) -> Expression:
        parts = tuple(self._part(start, end, depth + 1) for start, end in ranges)
        return Expression(kind, parts, typed=all(part.typed for part in parts))

    def _comparison(self, start: int, at: int, end: int, sign: str) -> Expression | None:
        name = self._name(start, at)
        if sign == "in":
            texts = self._list(at + 1, end)
            if name in self.types and texts is not None:
                return Expression("compare", (), name, tuple(texts), lambda value: value in texts)
            element = self._literal(start, at)
            if isinstance(element, str) and self._name(at + 1, end) == "tags":
                return Expression("compare", (), f"tags {element!r}", (), bool, typed=True)
            return None
        literal = self._literal(at + 1, end)
        if not name or literal is None:
            name, literal = self._name(at + 1, end), self._literal(start, at)
            sign = _MIRRORED.get(sign, sign)
        if name not in self.types or literal is None:
            return None
        compare, constant = _COMPARE[sign], literal
        typed = type(constant) is self.types[name] and (type(constant) is not bool or sign in ("==", "!="))
        return Expression("compare", (), name, (constant,), lambda value: compare(value, constant), typed=typed)

    def _opaque(self, start: int, end: int) -> Expression:
        tokens = self.tokens[start:end]
        names = [text for text, kind, *_ in tokens if kind == "name" and text not in _WORDS]
        text = self.source[tokens[0][2] : tokens[-1][3]]
        if not names:
            value = self.constant(text)
            if value is not None:
                return Expression("constant", constant=value)
        calls = {text for (text, kind, *_), (after, *_) in pairwise(tokens) if kind == "name" and after == "("}
        fails = "results" in names or not calls <= _SAFE or any(one[0] in _FAILING for one in tokens)
        return Expression("opaque", opaque=" ".join(one[0] for one in tokens), may_fail=fails)

    def _levels(self, start: int, end: int) -> dict[str, list[int]]:
        """The positions of operators outside of brackets, by operator."""
        found: dict[str, list[int]] = {}
        depth = 0
        for at in range(start, end):
            text = self._text(at)
            if text in "([{":
                depth += 1
            elif text in ")]}":
                depth -= 1
            elif depth == 0 and (text in _OPERATORS):
                found.setdefault(text, []).append(at)
        return found

    def _closing(self, start: int, end: int) -> int | None:
        depth = 0
        for at in range(start, end):
            text = self._text(at)
            depth += (text in "([{") - (text in ")]}")
            if depth == 0:
                return at
        return None

    def _colon(self, question: int, end: int) -> int | None:
        depth = nested = 0
        for at in range(question + 1, end):
            text = self._text(at)
            depth += (text in "([{") - (text in ")]}")
            if depth == 0 and text == "?":
                nested += 1
            elif depth == 0 and text == ":":
                if not nested:
                    return at
                nested -= 1
        return None

    def _text(self, at: int) -> str:
        return self.tokens[at][0]

    def _name(self, start: int, end: int) -> str:
        """The dotted name that a range of tokens is, or ""."""
        tokens = self.tokens[start:end]
        if not tokens or len(tokens) % 2 == 0 or any(one[1] != "name" for one in tokens[::2]):
            return ""
        if any(one[0] != "." for one in tokens[1::2]) or tokens[0][0] in _WORDS or tokens[0][0] == "results":
            return ""
        return "".join(one[0] for one in tokens)

    def _literal(self, start: int, end: int) -> Json:
        """The constant that a range of tokens is, or None."""
        negative = end - start == 2 and self._text(start) == "-"
        if end - start - negative != 1:
            return None
        text, kind, *_ = self.tokens[end - 1]
        if kind == "number" and text[-1] not in "uU" and len(text) <= _DIGITS:
            number = float(text) if any(one in text for one in ".eE") else int(text)
            return -number if negative else number
        if negative:
            return None
        if text in ("true", "false"):
            return text == "true"
        plain = (
            kind == "text" and text[0] in "\"'" and not {"\\", "\n", "\r"} & {*text} and text[:3] not in ('"""', "'''")
        )
        return text[1:-1] if plain else None

    def _list(self, start: int, end: int) -> list[Any] | None:
        if end - start < 2 or self._text(start) != "[" or self._text(end - 1) != "]":
            return None
        items: list[Any] = []
        at = start + 1
        while at < end - 1:
            length = 2 if self._text(at) == "-" else 1
            item = self._literal(at, at + length)
            if item is None or (at + length < end - 1 and self._text(at + length) != ","):
                return None
            items.append(item)
            at += length + 1
        return items


_DIGITS = 18
"""The most characters of a number that is a constant here; each fits into 64 bits."""
_DEEPEST = 16
"""How deep a condition may nest to be solved; CEL itself refuses 32."""
_OPERATORS = frozenset((*_COMPARE, "in", "&&", "||", "?"))
