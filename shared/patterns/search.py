"""Patterns that users write: RE2 takes time linear in the text for every pattern, so no pattern can block a server."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import re2

from shared.model.work_budget import spend, spend_call

MAX_PATTERN = 500
"""The most characters of a pattern."""
_MAX_MEMORY = 256 * 1024
"""The most bytes of a compiled pattern; RE2's time for a character is linear in them."""


class BadPattern(ValueError):
    """The pattern cannot be used; the message is one sentence that says why and what would be right."""


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """A compiled pattern."""

    _regexp: Any

    def find(self, text: str) -> tuple[int, int] | None:
        """The offsets of the first match, or None. A text with half a surrogate pair has no match.

        Raises TooMuchWork. RE2 may simulate the automaton, which takes about 30 ns per instruction and character.
        """
        spend_call(1 + len(text) * self._regexp.programsize // 30)
        try:
            found = self._regexp.search(text)
        except UnicodeEncodeError:
            return None
        return None if found is None else found.span()

    def is_whole(self, text: str) -> bool:
        """True if the whole text matches. A text with half a surrogate pair does not. Raises TooMuchWork."""
        spend_call(1 + len(text) * self._regexp.programsize // 30)
        try:
            return self._regexp.fullmatch(text) is not None
        except UnicodeEncodeError:
            return False

    def find_all(self, text: str) -> Iterator[tuple[int, int]]:
        """The offsets of all matches that are not empty, or of their first group if the pattern has groups.

        A text with half a surrogate pair has no match. Raises TooMuchWork, but a single call may take long.
        """
        spend(1 + len(text) * self._regexp.programsize // 30)
        group = min(1, self._regexp.groups)
        try:
            for found in self._regexp.finditer(text):
                start, end = found.span(group)
                if start < end:
                    yield start, end
        except UnicodeEncodeError:
            return


@lru_cache(maxsize=1024)
def compile_pattern(source: str) -> Pattern:
    """Compile a pattern in RE2's syntax: no look-around, no back references. Raises BadPattern."""
    shown = source if len(source) <= 100 else f"{source[:100]}…"
    if len(source) > MAX_PATTERN:
        raise BadPattern(f"The pattern {shown!r} has {len(source):,} characters; up to {MAX_PATTERN} are allowed.")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MAX_MEMORY
    try:
        return Pattern(re2.compile(source, options))
    except UnicodeEncodeError:
        raise BadPattern(f"The pattern {shown!r} has half a surrogate pair, which is not a character.") from None
    except re2.error as error:
        why = error.args[0].decode(errors="replace")
    if "too large" in why:
        raise BadPattern(f"The pattern {shown!r} is too large when its counts are expanded; make them smaller.")
    raise BadPattern(
        f"The pattern {shown!r} cannot be used ({why}); it should be a regular expression without look-around and "
        "back references."
    )
