"""Finds agent messages that repeat an earlier one of the same conversation."""

import re
from collections.abc import Iterable

_WORD = re.compile(r"\w+")
_DIGIT = re.compile(r"\d")
_DIFFERENT = 1 / 5
"""Of all the words of two messages, at most this share may be in only one of them."""


def words_of(text: str) -> frozenset[str]:
    """The different words of a message, without case; for a message without words, its characters."""
    folded = text.casefold()
    return frozenset(_WORD.findall(folded)) or frozenset(folded.replace(" ", ""))


def repeats(words: frozenset[str], earlier: Iterable[frozenset[str]]) -> bool:
    """True if a message with these words is one of the earlier ones again, or nearly so.

    Case, spaces, punctuation and order do not count. Numbers must be equal, because a message with another number tells
    something new.
    """
    return any(_nearly_equal(words, one) for one in earlier)


def _nearly_equal(left: frozenset[str], right: frozenset[str]) -> bool:
    if left == right:
        return True
    # Sets of very different sizes differ by too many words.
    if min(len(left), len(right)) < (1 - _DIFFERENT) * max(len(left), len(right)):
        return False
    different = left ^ right
    return len(different) <= _DIFFERENT * len(left | right) and not any(_DIGIT.search(word) for word in different)
