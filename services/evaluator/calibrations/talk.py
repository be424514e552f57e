"""Reads what one side of a conversation says, and measures how it talks. Every measure is one number a conversation."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from services.evaluator.texts.vocabulary import hdd, mattr
from services.evaluator.texts.words import words
from shared.yaml import load_file

_PHRASES = load_file(Path(__file__).with_name("phrases.yaml"))


def _pattern(name: str) -> re.Pattern[str]:
    phrases = sorted(map(re.escape, _PHRASES[name]), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(phrases)})(?!\w)")


_QUESTION = re.compile(rf"\?|^\W*(?:{'|'.join(map(re.escape, _PHRASES['question_words']))})\b", re.MULTILINE)
_CLARIFICATION, _CORRECTION = _pattern("clarification"), _pattern("corrections")
_POLITE, _DISPLEASED, _CLOSING = _pattern("polite"), _pattern("displeased"), _pattern("closing")
_EXCLAMATION = re.compile("!")


class Talk:
    """What a person says in a conversation.

    turns: in small letters; a turn is all that the person says before the other side speaks again, "" if it is silent.
    """

    def __init__(self, turns: Sequence[str]) -> None:
        self.turns = [turn.lower().replace("’", "'") for turn in turns]
        self.spoken = [turn for turn in self.turns if turn]
        self.words = [words(turn) for turn in self.spoken]
        self.all_words = list(chain.from_iterable(self.words))

    def share(self, pattern: re.Pattern[str]) -> float:
        """The share of the spoken turns that have this."""
        return sum(pattern.search(turn) is not None for turn in self.spoken) / len(self.spoken)


def _up_front(talk: Talk) -> float | None:
    details = [{word for word in turn if _is_detail(word)} for turn in talk.words]
    known = set[str]().union(*details)
    return len(details[0]) / len(known) if known else None


def _is_detail(word: str) -> bool:
    return "@" in word or any(map(str.isdigit, word))


class Measure(NamedTuple):
    """A measure of talk. means: what the number is. of: None if the conversation cannot tell."""

    name: str
    means: str
    of: Callable[[Talk], float | None]


MEASURES = (
    Measure("words", "words a turn", lambda talk: len(talk.all_words) / len(talk.spoken)),
    Measure("turns", "turns", lambda talk: float(len(talk.turns))),
    Measure("questions", "share of turns that ask", lambda talk: talk.share(_QUESTION)),
    Measure("up_front", "share of the details that the first turn has", _up_front),
    Measure("clarification", "share of turns that ask what is meant", lambda talk: talk.share(_CLARIFICATION)),
    Measure("corrections", "share of turns that correct something", lambda talk: talk.share(_CORRECTION)),
    Measure("politeness", "share of turns with polite words", lambda talk: talk.share(_POLITE)),
    Measure("displeasure", "share of turns that object or complain", lambda talk: talk.share(_DISPLEASED)),
    Measure("excitement", "share of turns with an exclamation mark", lambda talk: talk.share(_EXCLAMATION)),
    Measure("silence", "share of turns without a word", lambda talk: 1 - len(talk.spoken) / len(talk.turns)),
    Measure("mattr", "different words in 25 (MATTR)", lambda talk: mattr(talk.all_words)),
    Measure("hdd", "different words in 42 drawn (HD-D)", lambda talk: hdd(talk.all_words)),
    Measure("opening", "words of the first turn", lambda talk: float(len(talk.words[0]))),
    Measure("closing", "ends with thanks or a goodbye", lambda talk: float(bool(_CLOSING.search(talk.spoken[-1])))),
)
"""The measures, in the order of reports."""

MEANS = {measure.name: measure.means for measure in MEASURES}

Values = tuple[float | None, ...]
"""One value for each of MEASURES."""


def measured(turns: Sequence[str]) -> Values | None:
    """The measures of what a person says; None if it says nothing."""
    talk = Talk(turns)
    return tuple(measure.of(talk) for measure in MEASURES) if talk.spoken else None


@dataclass(frozen=True, slots=True)
class Said:
    """What a user says in a conversation, turn by turn.

    whole: from its beginning. after: from the agent's first answer on, where synthetic conversations leave sources.
    copied: True if some of it was copied from a source.
    """

    whole: Sequence[str]
    after: Sequence[str]
    copied: bool


def said(events: Sequence[Mapping[str, Any]]) -> Said:
    """Read events in proto JSON."""
    whole, after = list[list[str]](), list[list[str]]()
    copied = spoken = answered = False
    for event in events:
        if "user_message" in event:
            text = event["user_message"].get("text", "").strip()
            own = "copied" not in event
            copied |= not own
            _add(whole, text, new=not spoken)
            if answered and own:
                _add(after, text, new=not spoken)
            spoken = True
        elif "agent_message" in event:
            answered |= bool(whole)
            spoken = False
        elif "tool_call" in event:
            answered |= bool(whole)
    return Said(_joined(whole), _joined(after), copied)


def _add(turns: list[list[str]], text: str, new: bool) -> None:
    if new or not turns:
        turns.append([])
    turns[-1].append(text)


def _joined(turns: Sequence[Sequence[str]]) -> list[str]:
    return ["\n".join(filter(None, turn)) for turn in turns]
