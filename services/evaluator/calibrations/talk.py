"""Reads what one side of a conversation says, and measures how it talks. Every measure is one number a conversation."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from services.evaluator.texts.vocabulary import hdd, mattr
from services.evaluator.texts.words import words
from shared.yaml import load_file

_PHRASES = load_file(Path(__file__).with_name("phrases.yaml"))
_QUESTION_WORDS = _PHRASES.pop("question_words")


def _by_first_word(phrases: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[tuple[tuple[str, ...], str]]]:
    """By the first word of a phrase, its words, and the list that it stands in."""
    found: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for name, listed in phrases.items():
        for phrase in listed:
            first, *rest = words(phrase)
            found.setdefault(first, []).append(((first, *rest), name))
    return found


_PHRASES_BY_WORD = _by_first_word(_PHRASES)
_QUESTIONS_BY_WORD = _by_first_word({"questions": _QUESTION_WORDS})


class Turn(NamedTuple):
    """What a person says before the other side speaks again.

    marks: what it does, by the names of lists of phrases; also `questions` and `excitement`.
    details: words with digits, and e-mail addresses.
    """

    words: Sequence[str]
    marks: frozenset[str]
    details: frozenset[str]


@lru_cache(maxsize=4096)
def _turn(text: str) -> Turn:
    """The turn of this text, which is not empty."""
    lines = [words(line) for line in text.splitlines()]
    said = list(chain.from_iterable(lines))
    marks = {name for place, word in enumerate(said) for name in _found(said, place, _PHRASES_BY_WORD.get(word, ()))}
    if "!" in text:
        marks.add("excitement")
    if "?" in text or any(line and any(_found(line, 0, _QUESTIONS_BY_WORD.get(line[0], ()))) for line in lines):
        marks.add("questions")
    return Turn(said, frozenset(marks), frozenset(filter(_is_detail, said)))


def _found(said: Sequence[str], place: int, phrases: Sequence[tuple[tuple[str, ...], str]]) -> Iterator[str]:
    """The lists of the phrases that begin at a place."""
    for phrase, name in phrases:
        if len(phrase) == 1 or tuple(said[place : place + len(phrase)]) == phrase:
            yield name


def _is_detail(word: str) -> bool:
    return not word.isalpha() and ("@" in word or any(map(str.isdigit, word)))


class Talk:
    """What a person says in a conversation.

    turns: the texts; a turn is all that the person says before the other side speaks again, "" if it is silent.
    """

    def __init__(self, turns: Sequence[str]) -> None:
        self.count = len(turns)
        self.spoken = [_turn(turn) for turn in turns if turn]
        self.words = [word for turn in self.spoken for word in turn.words]
        self._marks = [mark for turn in self.spoken for mark in turn.marks]

    def share(self, mark: str) -> float:
        """The share of the spoken turns with this mark."""
        return self._marks.count(mark) / len(self.spoken)


def _up_front(talk: Talk) -> float | None:
    known = frozenset[str]().union(*(turn.details for turn in talk.spoken))
    return len(talk.spoken[0].details) / len(known) if known else None


class Measure(NamedTuple):
    """A measure of talk. means: what the number is. of: None if the conversation cannot tell."""

    name: str
    means: str
    of: Callable[[Talk], float | None]


MEASURES = (
    Measure("words", "words a turn", lambda talk: len(talk.words) / len(talk.spoken)),
    Measure("turns", "turns", lambda talk: float(talk.count)),
    Measure("questions", "share of turns that ask", lambda talk: talk.share("questions")),
    Measure("up_front", "share of the details that the first turn has", _up_front),
    Measure("clarification", "share of turns that ask what is meant", lambda talk: talk.share("clarification")),
    Measure("corrections", "share of turns that correct something", lambda talk: talk.share("corrections")),
    Measure("politeness", "share of turns with polite words", lambda talk: talk.share("polite")),
    Measure("displeasure", "share of turns that object or complain", lambda talk: talk.share("displeased")),
    Measure("excitement", "share of turns with an exclamation mark", lambda talk: talk.share("excitement")),
    Measure("silence", "share of turns without a word", lambda talk: 1 - len(talk.spoken) / talk.count),
    Measure("mattr", "different words in 25 (MATTR)", lambda talk: mattr(talk.words)),
    Measure("hdd", "different words in 42 drawn (HD-D)", lambda talk: hdd(talk.words)),
    Measure("opening", "words of the first turn", lambda talk: float(len(talk.spoken[0].words))),
    Measure("closing", "ends with thanks or a goodbye", lambda talk: float("closing" in talk.spoken[-1].marks)),
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
