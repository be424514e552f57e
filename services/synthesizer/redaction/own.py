"""Kinds of values that users define by a pattern."""

from collections.abc import Iterator

from services.synthesizer.redaction.kind import Kind, Span, digits, with_digits
from shared.patterns import compile_pattern


def own_kind(name: str, pattern: str) -> Kind:
    """The kind of what a pattern in RE2's syntax matches, or of its first group. Raises BadPattern."""
    compiled = compile_pattern(pattern)

    def find(text: str, _key: str) -> Iterator[Span]:
        return compiled.find_all(text)

    def pseudonym(value: str, number: int) -> str:
        """Of the same shape if it has no letters and enough digits; or the name and the number."""
        count = len(digits(value))
        if len(str(number)) <= count and not any(map(str.isalpha, value)):
            return with_digits(value, str(number).zfill(count))
        return f"{name}-{number}"

    return Kind(name, None, find, pseudonym)
