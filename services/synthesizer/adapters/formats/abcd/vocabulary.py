"""The vocabulary of guidelines: which phrases name which slots, from abcd.yaml."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from shared.model.steps import Schema
from shared.yaml import load_file


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot. phrases: match its mentions in prose. shape: matches its values."""

    name: str
    noun: str
    question: str
    schema: Schema
    phrases: re.Pattern[str]
    shape: re.Pattern[str] | None
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ToolArgument:
    """The arguments of a tool: the slots in `takes`, and `name` for other values.

    question: how to ask for one of several options.
    """

    name: str
    takes: tuple[str, ...]
    question: str


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """slots: in order of preference. tools: arguments by tool."""

    slots: Mapping[str, Slot]
    tools: Mapping[str, ToolArgument]


@cache
def vocabulary() -> Vocabulary:
    """The vocabulary of abcd.yaml."""
    data = load_file(Path(__file__).with_name("abcd.yaml"))
    return Vocabulary(
        slots={name: _slot(name, **fields) for name, fields in data["slots"].items()},
        tools={
            tool: ToolArgument(own["argument"], tuple(own["takes"]), own["question"])
            for tool, own in data["tools"].items()
        },
    )


def _slot(
    name: str,
    phrases: Sequence[str],
    schema: Schema,
    noun: str,
    question: str = "",
    pattern: str = "",
    words: Sequence[str] = (),
) -> Slot:
    alternatives = "|".join(re.escape(phrase) for phrase in phrases)
    shape = pattern or "|".join(re.escape(word) for word in words)
    return Slot(
        name=name,
        noun=noun,
        question=question or f"May I have {noun}, please?",
        schema=schema,
        phrases=re.compile(rf"\b(?:{alternatives})\b", re.IGNORECASE),
        shape=re.compile(shape, re.IGNORECASE if words else 0) if shape else None,
        words=tuple(words),
    )


def argument_of(tool: str, value: str) -> str:
    """The argument for a recorded value: the first slot that the tool takes and whose shape matches, or `name`."""
    own = own_argument(tool)
    for slot in vocabulary().slots.values():
        if slot.name in own.takes and slot.shape and slot.shape.fullmatch(value):
            return slot.name
    return own.name


def own_argument(tool: str) -> ToolArgument:
    """The arguments of a tool; an unknown tool takes every slot but `full_name`, and `value`."""
    known = vocabulary().tools.get(tool)
    return known or ToolArgument("value", tuple(set(vocabulary().slots) - {"full_name"}), "Which of these is it")


def spoken_of(text: str) -> Iterator[tuple[int, Slot]]:
    """The slots that a text mentions, each once, with their offsets, in the order of the text."""
    found: list[tuple[int, Slot]] = []
    taken: list[tuple[int, int]] = []
    for slot in vocabulary().slots.values():
        spans = [match.span() for match in slot.phrases.finditer(text)]
        free = [span for span in spans if not any(span[0] < end and start < span[1] for start, end in taken)]
        if free:
            found.append((free[0][0], slot))
            taken.extend(free)
    return iter(sorted(found, key=lambda item: item[0]))
