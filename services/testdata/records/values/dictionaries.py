"""The texts of a pool that a field allows, kept for the next fields and calls that allow the same."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from services.testdata.records.tables import Strings
from services.testdata.records.values.pools import pool
from shared.patterns import compile_pattern
from shared.patterns.automaton import automaton

_ENOUGH = 20
"""A pool fits if one of so many texts is allowed."""
_HOSTS = ("@example.com", "@example.org", "@example.net")


@dataclass(frozen=True, eq=False)
class Dictionary:
    """Row i of the pool has the text lookup[i]; where the field does not allow its own, another."""

    strings: Strings
    lookup: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a field allows: lengths in characters, and a pattern of the whole text."""

    least: int
    most: int | None
    pattern: str

    def allow(self, text: str) -> bool:
        """True if the text is within the bounds."""
        if len(text) < self.least or (self.most is not None and len(text) > self.most):
            return False
        return not self.pattern or compile_pattern(self.pattern).is_whole(text)


@lru_cache(maxsize=256)
def allowed(name: str, column: str, locale: str, bounds: Bounds) -> Dictionary | None:
    """The texts of a column of a pool that are allowed; None if those are too few."""
    texts = pool(name, locale)[column]
    kept = [text if bounds.allow(text) else None for text in texts]
    valid = [text for text in kept if text is not None]
    return _dictionary(kept, valid) if valid and len(valid) * _ENOUGH >= len(texts) else None


@lru_cache(maxsize=256)
def fitted(name: str, column: str, locale: str, bounds: Bounds) -> Dictionary:
    """The texts of a column of a pool, repeated or cut so that their lengths are allowed. Without a pattern."""
    texts = [_fitted(text, bounds) for text in pool(name, locale)[column]]
    return _dictionary(texts, texts)


def _fitted(text: str, bounds: Bounds) -> str:
    while len(text) < bounds.least:
        text = f"{text} {text}"
    if bounds.most is None or len(text) <= bounds.most:
        return text
    return text[: bounds.most].rstrip().ljust(bounds.least, ".")


def _dictionary(texts: list[str] | list[str | None], valid: list[str]) -> Dictionary:
    """texts: of each row of the pool; rows without one get one of the valid texts."""
    places = {text: place for place, text in enumerate(dict.fromkeys(valid))}
    found = [places[valid[row % len(valid)] if text is None else text] for row, text in enumerate(texts)]
    return Dictionary(Strings.of([*places]), np.array(found, np.int32))


@dataclass(frozen=True, eq=False)
class Numbered:
    """Texts that become different by a number: a text, `between`, the number, and one of `after`."""

    dictionary: Dictionary
    between: str
    after: tuple[str, ...]


@lru_cache(maxsize=64)
def numbered(name: str, column: str, locale: str, bounds: Bounds, digits: int) -> Numbered | None:
    """Texts with numbers of up to so many digits, all of which are allowed; None if there are none.

    A number tells texts apart because no text before it ends with a digit.
    """
    mail = column == "email"
    texts = pool(name, locale)[{"people": "user", "companies": "host"}[name] if mail else column]
    after = _HOSTS if mail else ("",)
    for between in ("",) if mail else (" ", "-"):
        room = digits + len(between) + len(after[0])
        kept = [
            None if text[-1:].isdecimal() or (bounds.most is not None and len(text) + room > bounds.most) else text
            for text in texts
        ]
        valid = [text for text in kept if text is not None]
        if (
            valid
            and min(map(len, valid)) + len(between) + 1 + len(after[0]) >= bounds.least
            and _proven(bounds.pattern, [text + between for text in valid], digits, after)
        ):
            return Numbered(_dictionary(kept, valid), between, after)
    return None


def _proven(pattern: str, before: list[str], digits: int, after: tuple[str, ...]) -> bool:
    """True if every text with every number matches the pattern."""
    if not pattern:
        return True
    machine = automaton(pattern)
    states = machine.after({0}, before)
    for _ in range(digits):
        states = machine.after(states, "0123456789") | (states & {-1})
        if not machine.after(states, after) | (states & {-1}) <= machine.accepting:
            return False
    return True
