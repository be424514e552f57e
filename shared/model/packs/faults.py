"""What is wrong with a part of a pack."""

from dataclasses import dataclass

Path = tuple[str | int, ...]
"""Where a value of a pack's document is: the keys and indexes that lead to it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at a path: one sentence. offset: of the character that is wrong, for an expression."""

    path: Path
    sentence: str
    offset: int | None = None
