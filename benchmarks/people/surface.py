"""How messages look: their length, their marks, and how varied their words are."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from rich.console import Console
from rich.table import Table

from shared.model.events import Event, UserMessage

WORD = re.compile(r"[a-z]+(?:'[a-z]+)*")
"""Matches a word in small letters."""
_PAIRS = 2_000


def said(events: Iterable[Event]) -> list[str]:
    """What the user said in a conversation, without what it has from its source."""
    bodies = [event.body for event in events if not event.copied]
    return [body.text for body in bodies if isinstance(body, UserMessage) and body.text]


def words(text: str) -> list[str]:
    """The words of a text, in small letters."""
    return WORD.findall(text.lower().replace("’", "'"))


def pairs(texts: Sequence[str]) -> list[tuple[str, str]]:
    """The pairs of neighbouring words in the texts."""
    return [pair for text in texts for pair in pairwise(words(text))]


def duplicates(texts: Sequence[str]) -> float:
    """The share of texts that equal an earlier one."""
    return 1 - len({" ".join(text.lower().split()) for text in texts}) / len(texts)


def distinct(texts: Sequence[str], most: int) -> float:
    """The share of different pairs of words among the first `most`; it falls with their number."""
    return len(set(pairs(texts)[:most])) / most


def print_surfaces(title: str, sides: Mapping[str, Sequence[str]]) -> None:
    """Print the figures of each side's messages."""
    table = Table(title, "messages", "words", "with ?", "with !", "twice", f"distinct-2 of {_PAIRS:,}")
    for name, texts in sides.items():
        length = sum(len(text.split()) for text in texts) / len(texts)
        marks = [f"{sum(mark in text for text in texts) / len(texts):.0%}" for mark in "?!"]
        most = min(_PAIRS, len(pairs(texts)))
        table.add_row(
            name, str(len(texts)), f"{length:.1f}", *marks, f"{duplicates(texts):.0%}", f"{distinct(texts, most):.2f}"
        )
    Console(width=120).print(table)
