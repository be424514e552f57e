"""Items of rehearsals: where a page of them starts, and what a watch sends."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of items starts.

    rows: the page token of the batch's results, "" for the first. skipped: rows of that page that were listed before.
    results: the page token of the results of `evaluation`, from which on the results of these rows are found.
    """

    side: int = 0
    rows: str = ""
    skipped: int = 0
    evaluation: str = ""
    results: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Items (RehearsalItem messages). next: the place after them; None at the end. start: the place of the first."""

    items: Sequence[Any]
    next: Place | None
    start: Place = Place()


@dataclass(frozen=True, slots=True)
class Change:
    """An item (a RehearsalItem message) that got further.

    attempt, cursors: where a watch continues after it: the cursors of the children of that attempt.
    """

    item: Any
    attempt: int
    cursors: tuple[str, ...]
