"""Lists and numbers in sentences."""

from collections.abc import Iterable


def any_of(texts: Iterable[str]) -> str:
    """The texts as `a, b or c`."""
    return _joined(texts, " or ")


def all_of(texts: Iterable[str]) -> str:
    """The texts as `a, b and c`."""
    return _joined(texts, " and ")


def counted(number: int, word: str) -> str:
    """The number with its word, as in `1 call` and `2 calls`."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def _joined(texts: Iterable[str], last: str) -> str:
    every = [*texts]
    return last.join(filter(None, (", ".join(every[:-1]), *every[-1:])))
