"""Measures how the customer of a real conversation writes. Every trait is a count of its messages."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

from services.synthesizer.personas.generation.band import Habits
from services.synthesizer.personas.model import DecisionSpeed, ObjectionLikelihood, ResponseLength
from shared.llm.briefs import Measured
from shared.model.events import AgentMessage, Event, UserMessage
from shared.yaml import load_file

FEWEST_MESSAGES = 2
_SHORT, _LONG = 7, 20
"""The median words of a message: fewer are short, more are long."""
_OFTEN, _MOSTLY = 0.3, 0.7
"""Shares of the messages."""
_OBJECTS = 0.15
_CERTAIN = 4
"""The fewest common words, or letters of a script, that tell a language with certainty."""
_FAST, _SLOW = 60, 600
"""The median seconds to an answer: up to FAST is fast, more than SLOW is slow."""

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]|[:;]-?[)(DP]")
_ANGRY = re.compile(r"!!|\?!|\b[A-Z]{4,}\b.*\b[A-Z]{4,}\b")


@dataclass(frozen=True, slots=True)
class Language:
    """The commonest words of a language, and its words of politeness and of objection."""

    words: frozenset[str]
    polite: re.Pattern[str]
    objects: re.Pattern[str]


def _phrases(phrases: Sequence[str]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, phrases))})\b", re.IGNORECASE)


_DATA = load_file(Path(__file__).with_name("languages.yaml"))
_SCRIPTS: Mapping[str, re.Pattern[str]] = {
    name: re.compile(f"[{letters}]") for name, letters in _DATA["scripts"].items()
}
_LANGUAGES: Mapping[str, Language] = {
    name: Language(frozenset(one["words"]), _phrases(one["polite"]), _phrases(one["objects"]))
    for name, one in _DATA["languages"].items()
}


def measure(source: str, events: Sequence[Event]) -> Measured | None:
    """How the customer of a conversation writes; None with fewer than FEWEST_MESSAGES messages. source: its name."""
    texts = _texts(events)
    if len(texts) < FEWEST_MESSAGES:
        return None
    language = language_of(texts)
    length = _length(texts)
    objects = _objection_likelihood(texts, language)
    polite = _share(texts, _LANGUAGES[language].polite) if language in _LANGUAGES else 0.0
    return Measured(
        source=source,
        language=language,
        tone=_tone(texts, length, objects, polite),
        response_length=length,
        decision_speed=_decision_speed(events),
        objection_likelihood=objects,
        traits=tuple(_traits(texts, polite)),
    )


def habits(events: Sequence[Event]) -> Habits:
    """Of a customer that `measure` measures: words a message, and the shares of messages that ask, exclaim, are polite
    and object."""
    texts = _texts(events)
    language = _LANGUAGES.get(language_of(texts))
    return (
        median(_word_count(text) for text in texts),
        sum("?" in text for text in texts) / len(texts),
        sum("!" in text for text in texts) / len(texts),
        _share(texts, language.polite) if language else 0.0,
        _share(texts, language.objects) if language else 0.0,
    )


def _texts(events: Sequence[Event]) -> list[str]:
    """What the customer says, message by message."""
    texts = (event.body.text.replace("’", "'") for event in events if isinstance(event.body, UserMessage))
    return [text for text in texts if text.strip()]


def language_of(texts: Sequence[str]) -> str:
    """The language's English name, by its letters or its commonest words; "" if it is none of those known."""
    text = " ".join(texts)
    letters = sum(map(str.isalpha, text))
    for name, script in _SCRIPTS.items() if not text.isascii() else ():
        if letters and len(script.findall(text)) * 2 > letters:
            return name
    words = _words(text)
    counts = _counts(words)
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] * 10 > len(words) else ""


def is_other_language(text: str, language: str) -> bool:
    """True if a text is certainly in another language than this known one; short texts are not certain."""
    spoken = language_of([text])
    known = language in _SCRIPTS or language in _LANGUAGES
    # Japanese has sentences without a letter of its own.
    if not known or spoken in ("", language) or {spoken, language} == {"Chinese", "Japanese"}:
        return False
    if spoken in _SCRIPTS:
        return len(_SCRIPTS[spoken].findall(text)) >= _CERTAIN
    counts = _counts(_words(text))
    return counts[spoken] >= max(_CERTAIN, 2 * counts.get(language, 0))


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _counts(words: Sequence[str]) -> Mapping[str, int]:
    """For each language, how many of the words are among its commonest."""
    return {name: sum(word in language.words for word in words) for name, language in _LANGUAGES.items()}


def _share(texts: Sequence[str], pattern: re.Pattern[str]) -> float:
    return sum(pattern.search(text) is not None for text in texts) / len(texts)


def _length(texts: Sequence[str]) -> ResponseLength:
    words = median(map(_word_count, texts))
    return ResponseLength.SHORT if words < _SHORT else ResponseLength.LONG if words > _LONG else ResponseLength.MEDIUM


def _word_count(text: str) -> int:
    return len(_WORD.findall(text)) or len(text) // 4


def _objection_likelihood(texts: Sequence[str], language: str) -> ObjectionLikelihood:
    share = _share(texts, _LANGUAGES[language].objects) if language in _LANGUAGES else 0.0
    if not share:
        return ObjectionLikelihood.LOW
    return ObjectionLikelihood.HIGH if share >= _OBJECTS else ObjectionLikelihood.MEDIUM


def _decision_speed(events: Sequence[Event]) -> DecisionSpeed:
    """By the time from the agent's message to the answer; MEDIUM if nothing was answered."""
    spoken = [event for event in events if isinstance(event.body, AgentMessage | UserMessage)]
    pauses = [
        (answer.at - asked.at) / 1000
        for asked, answer in pairwise(spoken)
        if isinstance(asked.body, AgentMessage) and isinstance(answer.body, UserMessage)
    ]
    if not pauses or _FAST <= median(pauses) <= _SLOW:
        return DecisionSpeed.MEDIUM
    return DecisionSpeed.FAST if median(pauses) < _FAST else DecisionSpeed.SLOW


def _tone(texts: Sequence[str], length: ResponseLength, objects: ObjectionLikelihood, polite: float) -> str:
    """One of the tones that the offline model knows too."""
    if _share(texts, _ANGRY) >= _OFTEN:
        return "angry"
    if objects is ObjectionLikelihood.HIGH:
        return "skeptical"
    if polite >= _OFTEN:
        return "enthusiastic" if sum("!" in text for text in texts) >= _OFTEN * len(texts) else "friendly"
    return "curt" if length is ResponseLength.SHORT else "neutral"


def _traits(texts: Sequence[str], polite: float) -> list[str]:
    """Traits of typing and asking."""
    lower = sum(text.lstrip()[0].islower() for text in texts)
    open_ended = sum(text.rstrip()[-1].isalnum() for text in texts)
    shouted = sum(text.isupper() and len(text) > 3 for text in texts)
    shares = {
        "says_please_and_thank_you": polite >= _OFTEN,
        "asks_many_questions": sum("?" in text for text in texts) >= _OFTEN * len(texts),
        "writes_in_small_letters": lower >= _MOSTLY * len(texts),
        "leaves_out_punctuation": open_ended >= _MOSTLY * len(texts),
        "writes_in_capital_letters": shouted >= _OFTEN * len(texts),
        "uses_exclamation_marks": sum("!" in text for text in texts) >= _OFTEN * len(texts),
        "uses_emoji": sum(_EMOJI.search(text) is not None for text in texts) >= _OFTEN * len(texts),
    }
    return [trait for trait, there in shares.items() if there]
