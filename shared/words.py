"""Lists and numbers in sentences."""

from collections.abc import Iterable, Sequence


def any_of(texts: Iterable[str]) -> str:
    """The texts as `a, b or c`."""
    return _joined(texts, " or ")


def all_of(texts: Iterable[str]) -> str:
    """The texts as `a, b and c`."""
    return _joined(texts, " and ")


def counted(number: int, word: str) -> str:
    """The number with its word, as in `1 call` and `2 calls`."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def events_named(seqs: Sequence[int]) -> str:
    """Events by their seqs, as `event 3` or `events 3, 5`; "" if there are none."""
    return f"event{'s' if len(seqs) > 1 else ''} {', '.join(map(str, seqs))}" if seqs else ""


def _joined(texts: Iterable[str], last: str) -> str:
    every = [*texts]
    return last.join(filter(None, (", ".join(every[:-1]), *every[-1:])))
