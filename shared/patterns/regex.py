"""Reads patterns: the part of RE2's syntax for which texts can be generated, as a finite automaton's building blocks.

Read are literals, escapes, classes, groups, alternatives, counts, and anchors at both ends. Flags but `s` of
a group, word boundaries, classes of Unicode and look-around are refused with their place.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from shared.patterns.errors import PatternRefused

Ranges: TypeAlias = tuple[tuple[int, int], ...]
"""Characters as sorted, disjoint ranges of code points, both ends included."""

MAX_REPEAT = 1_000
"""The most that a count may be, as in RE2."""
_LAST = 0x10FFFF
_ANY: Ranges = ((0, _LAST),)
_LINE: Ranges = ((0, 9), (11, _LAST))
_DIGITS: Ranges = ((48, 57),)
_WORD: Ranges = ((48, 57), (65, 90), (95, 95), (97, 122))
_SPACE: Ranges = ((9, 10), (12, 13), (32, 32))
_CLASSES = {"d": _DIGITS, "w": _WORD, "s": _SPACE}
_CONTROLS = {"n": 10, "t": 9, "r": 13, "f": 12, "v": 11, "a": 7}
_POSIX = {
    "alpha": ((65, 90), (97, 122)),
    "digit": _DIGITS,
    "alnum": ((48, 57), (65, 90), (97, 122)),
    "upper": ((65, 90),),
    "lower": ((97, 122),),
    "space": ((9, 13), (32, 32)),
    "punct": ((33, 47), (58, 64), (91, 96), (123, 126)),
    "xdigit": ((48, 57), (65, 70), (97, 102)),
    "word": _WORD,
}
PRINTABLE: Ranges = ((32, 126),)
"""What a class that excludes characters, and the dot, stand for in readable texts, as far as it is in them."""


@dataclass(frozen=True, slots=True)
class Chars:
    """One of some characters."""

    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Concatenation:
    """One after the other."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of some."""

    options: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """`least` to `most` times; `most` is None without a bound."""

    part: "Node"
    least: int
    most: int | None


Node: TypeAlias = Chars | Concatenation | Either | Repeat


def parse(source: str, *, readable: bool = True) -> Node:
    """readable: keep only the printable characters of a class or a dot, where it has some. Raises PatternRefused."""
    return _Parser(source, _readable if readable else _all).whole()


def joined(ranges: Sequence[tuple[int, int]]) -> Ranges:
    """The ranges, sorted and disjoint."""
    out: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if out and low <= out[-1][1] + 1:
            out[-1] = out[-1][0], max(out[-1][1], high)
        else:
            out.append((low, high))
    return tuple(out)


def _without(ranges: Ranges) -> Ranges:
    """All other characters."""
    out, at = [], 0
    for low, high in ranges:
        if low > at:
            out.append((at, low - 1))
        at = high + 1
    return (*out, (at, _LAST)) if at <= _LAST else tuple(out)


def _readable(ranges: Ranges) -> Ranges:
    """Those of the characters that are printable ASCII; all if none is. No surrogates."""
    both = [(max(low, a), min(high, b)) for low, high in ranges for a, b in PRINTABLE if max(low, a) <= min(high, b)]
    if both:
        return joined(both)
    return tuple(
        (low, high)
        for first, last in ranges
        for low, high in ((first, min(last, 0xD7FF)), (max(first, 0xE000), last))
        if low <= high
    )


def _all(ranges: Ranges) -> Ranges:
    return ranges


class _Parser:
    def __init__(self, source: str, kept: Callable[[Ranges], Ranges]) -> None:
        self._source = source
        self._kept = kept
        self._at = 0
        self._dot = _LINE

    def whole(self) -> Node:
        node = self._either(0)
        if self._at < len(self._source):
            raise self._refused("an unexpected `)`")
        return node

    def _refused(self, what: str, at: int | None = None) -> PatternRefused:
        place = (self._at if at is None else at) + 1
        return PatternRefused(pattern=self._source[:100], place=place, what=what)

    def _peek(self) -> str:
        return self._source[self._at : self._at + 1]

    def _take(self) -> str:
        if self._at >= len(self._source):
            raise self._refused("an end in the middle of something")
        self._at += 1
        return self._source[self._at - 1]

    def _either(self, depth: int) -> Node:
        if depth > 100:
            raise self._refused("groups in groups, a hundred deep")
        options = [self._sequence(depth)]
        while self._peek() == "|":
            self._at += 1
            options.append(self._sequence(depth))
        return options[0] if len(options) == 1 else Either(tuple(options))

    def _sequence(self, depth: int) -> Node:
        parts: list[Node] = []
        closed = False
        while (char := self._peek()) and char not in "|)":
            if char == "^" or self._source.startswith("\\A", self._at):
                if parts:
                    raise self._refused("an anchor in the middle")
                self._at += 1 if char == "^" else 2
                continue
            if char == "$" or self._source.startswith("\\z", self._at):
                self._at += 1 if char == "$" else 2
                closed = True
                continue
            if closed:
                raise self._refused("something after the end of the text")
            parts.append(self._counted(self._atom(depth)))
        return parts[0] if len(parts) == 1 else Concatenation(tuple(parts))

    def _counted(self, node: Node) -> Node:
        while (char := self._peek()) and char in "*+?{":
            start = self._at
            if char == "{":
                counts = self._counts()
                if counts is None:
                    return node
            else:
                self._at += 1
                counts = {"*": (0, None), "+": (1, None), "?": (0, 1)}[char]
            if self._peek() == "?":
                self._at += 1
            if isinstance(node, Repeat) and char != "{":
                node = Repeat(node, *counts)
                continue
            least, most = counts
            if max(least, most or 0) > MAX_REPEAT:
                raise self._refused(f"a count over {MAX_REPEAT:,}", start)
            node = Repeat(node, least, most)
        return node

    def _counts(self) -> tuple[int, int | None] | None:
        """The numbers in braces; None if the brace is itself a character."""
        end = self._source.find("}", self._at)
        first, comma, last = self._source[self._at + 1 : max(end, 0)].partition(",")
        if end < 0 or not first.isdecimal() or (last and not last.isdecimal()):
            return None
        self._at = end + 1
        least = int(first)
        most = (int(last) if last else None) if comma else least
        if most is not None and most < least:
            raise self._refused("a count whose end is before its beginning")
        return least, most

    def _atom(self, depth: int) -> Node:
        start = self._at
        char = self._take()
        if char == "(":
            return self._group(depth, start)
        if char == "[":
            return Chars(self._kept(self._class()))
        if char == ".":
            return Chars(self._kept(self._dot))
        if char == "\\":
            return Chars(self._kept(self._escape(start)))
        if char in "*+?":
            raise self._refused("a count of nothing", start)
        return Chars(((ord(char), ord(char)),))

    def _group(self, depth: int, start: int) -> Node:
        dot = self._dot
        if self._peek() == "?":
            rest = self._source[self._at :]
            if rest.startswith("?:"):
                self._at += 2
            elif rest.startswith("?s:"):
                self._at += 3
                self._dot = _ANY
            elif rest.startswith(("?P<", "?<")) and not rest.startswith(("?<=", "?<!")):
                end = self._source.find(">", self._at)
                if end < 0:
                    raise self._refused("a group without a name", start)
                self._at = end + 1
            else:
                look = rest.startswith(("?=", "?!", "?<=", "?<!"))
                raise self._refused("look-around" if look else "flags", start)
        node = self._either(depth + 1)
        if self._peek() != ")":
            raise self._refused("a group without its end", start)
        self._at += 1
        self._dot = dot
        return node

    def _escape(self, start: int) -> Ranges:
        char = self._take()
        if char.lower() in _CLASSES:
            ranges = _CLASSES[char.lower()]
            return ranges if char.islower() else _without(ranges)
        if char in _CONTROLS:
            return ((_CONTROLS[char],) * 2,)
        if char == "x":
            return self._hexadecimal(start)
        if char.isalnum():
            what = {
                "b": "a word boundary",
                "B": "a word boundary",
                "p": "a class of Unicode",
                "P": "a class of Unicode",
            }
            raise self._refused("a back reference" if char.isdecimal() else what.get(char, f"`\\{char}`"), start)
        return ((ord(char), ord(char)),)

    def _hexadecimal(self, start: int) -> Ranges:
        if self._peek() == "{":
            end = self._source.find("}", self._at)
            digits, self._at = self._source[self._at + 1 : max(end, 0)], end + 1
        else:
            digits, self._at = self._source[self._at : self._at + 2], self._at + 2
        try:
            code = int(digits, 16)
        except ValueError:
            raise self._refused("a character without its number", start) from None
        if code > _LAST:
            raise self._refused("a number of no character", start)
        return ((code, code),)

    def _class(self) -> Ranges:
        start = self._at - 1
        negated = self._peek() == "^"
        self._at += negated
        ranges: list[tuple[int, int]] = []
        first = True
        while first or self._peek() != "]":
            if not self._peek():
                raise self._refused("a class without its end", start)
            first = False
            low = self._class_part(start)
            if len(low) == 1 and low[0][0] == low[0][1] and self._peek() == "-" and self._ahead() not in ("]", ""):
                self._at += 1
                high = self._class_part(start)
                if len(high) != 1 or high[0][0] != high[0][1] or high[0][0] < low[0][0]:
                    raise self._refused("a range whose end is before its beginning", start)
                ranges.append((low[0][0], high[0][0]))
            else:
                ranges += low
        self._at += 1
        found = joined(ranges)
        return _without(found) if negated else found

    def _ahead(self) -> str:
        return self._source[self._at + 1 : self._at + 2]

    def _class_part(self, start: int) -> Ranges:
        if self._source.startswith("[:", self._at):
            end = self._source.find(":]", self._at)
            name = self._source[self._at + 2 : max(end, 0)]
            negated, name = name.startswith("^"), name.removeprefix("^")
            if end < 0 or name not in _POSIX:
                raise self._refused("an unknown class", start)
            self._at = end + 2
            return _without(_POSIX[name]) if negated else _POSIX[name]
        at = self._at
        char = self._take()
        return self._escape(at) if char == "\\" else ((ord(char), ord(char)),)
