"""Patterns that users write: RE2, which takes time linear in the text whatever the pattern, so none can stop us."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import re2

MAX_PATTERN = 500
"""Characters that a pattern may have."""
_MAX_MEMORY = 256 * 1024
"""Bytes of a compiled pattern: where RE2 simulates the automaton, a character takes time linear in its size."""


class BadPattern(ValueError):
    """The pattern cannot be used; the message is one sentence that says why and what would be right."""


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """A pattern that was checked; see `compile_pattern`."""

    _regexp: Any

    def find(self, text: str) -> tuple[int, int] | None:
        """Where the first match begins and ends, or None. Nothing matches a text with half a surrogate pair."""
        try:
            found = self._regexp.search(text)
        except UnicodeEncodeError:
            return None
        return None if found is None else found.span()


@lru_cache(maxsize=1024)
def compile_pattern(source: str) -> Pattern:
    """The pattern, in RE2's syntax: regular expressions without look-around and back references. Raises BadPattern."""
    shown = source if len(source) <= 100 else f"{source[:100]}…"
    if len(source) > MAX_PATTERN:
        raise BadPattern(f"The pattern {shown!r} has {len(source):,} characters; up to {MAX_PATTERN} are allowed.")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MAX_MEMORY
    try:
        return Pattern(re2.compile(source, options))
    except UnicodeEncodeError:
        raise BadPattern(f"The pattern {shown!r} has half a surrogate pair, which is no character.") from None
    except re2.error as error:
        why = error.args[0].decode(errors="replace")
    if "too large" in why:
        raise BadPattern(f"The pattern {shown!r} is too large once its counts are written out; make them smaller.")
    raise BadPattern(
        f"The pattern {shown!r} cannot be used ({why}); it should be a regular expression without look-around and "
        "back references."
    )
