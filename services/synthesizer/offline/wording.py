"""The phrases of the offline model, one file a language in `wordings`; it draws one of them by the seed."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any

from shared.yaml import load_file

_PLACE = re.compile(r"(\{\w+\})")
_CHOICE = re.compile(r"\[([^\]]*)\]")
_LETTERS = re.compile(r"[^\W\d_]+")
ENGLISH = "English"
LANGUAGES = (ENGLISH, "German")
"""The languages, by the English name of each; a file in `wordings` has that name in small letters."""
_CERTAIN = 3
"""The fewest telling words of a language other than English by which a text is told to be in it."""


class Phrase:
    """A sentence with choices, as in "[Yes|Sure], {text}."."""

    def __init__(self, template: str) -> None:
        self.template = template
        parts = _CHOICE.split(template)
        self._choices = tuple(part.split("|") if odd % 2 else (part,) for odd, part in enumerate(parts))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile("".join(map(_any_of, self._choices)), re.DOTALL)

    def text(self, draw: Callable[[str], float]) -> str:
        """The phrase with one of each choice. draw: a number in [0, 1) for a choice's number."""
        return "".join(
            parts[int(draw(str(number)) * len(parts))] if len(parts) > 1 else parts[0]
            for number, parts in enumerate(self._choices)
        )

    def is_in(self, text: str) -> bool:
        """True if the text contains the phrase, with any choices and any text at its places."""
        return self._pattern.search(text) is not None


def _any_of(parts: Sequence[str]) -> str:
    return f"(?:{'|'.join(map(_literal, sorted(parts, key=len, reverse=True)))})"


def _literal(part: str) -> str:
    return "".join(".*?" if odd % 2 else re.escape(text) for odd, text in enumerate(_PLACE.split(part)))


Phrases = Sequence[Phrase]


@dataclass(frozen=True, slots=True)
class Wording:
    """The phrases of one language.

    names: what the language is called, in small letters. words: tell a text in it.
    agent, persona: phrases by use; traits, tones: by a persona's trait or a word of its tone, then by use.
    made_up: values by kind. first_names: of invented personas.
    """

    names: frozenset[str]
    words: frozenset[str]
    agent: Mapping[str, Phrases]
    persona: Mapping[str, Phrases]
    tones: Mapping[str, Mapping[str, Phrases]]
    traits: Mapping[str, Mapping[str, Phrases]]
    made_up: Mapping[str, Sequence[str]]
    first_names: Sequence[str]


@cache
def wording(language: str = ENGLISH) -> Wording:
    """The phrases of a language, by its English name."""
    data = load_file(Path(__file__).parent / "wordings" / f"{language.lower()}.yaml")
    return Wording(
        names=frozenset(data["names"]),
        words=frozenset(data["words"]),
        agent=_phrases(data["agent"]),
        persona=_phrases(data["persona"]),
        tones={name: _phrases(uses) for name, uses in data["tones"].items()},
        traits={name: _phrases(uses) for name, uses in data["traits"].items()},
        made_up=data["made_up"],
        first_names=data["first_names"],
    )


def _phrases(uses: Mapping[str, Any]) -> Mapping[str, Phrases]:
    return {use: tuple(map(Phrase, phrases)) for use, phrases in uses.items()}


def named(language: str) -> str | None:
    """The English name of the language that a persona is said to write; None if there are no phrases of it."""
    words = frozenset(_LETTERS.findall(language.lower()))
    return next((name for name in LANGUAGES if words & wording(name).names), None)


@lru_cache(maxsize=4_096)
def language_of(text: str) -> str:
    """The language of a text, by its commonest words; English if no other is certain."""
    found = _LETTERS.findall(text.lower())
    counts = {name: sum(map(wording(name).words.__contains__, found)) for name in LANGUAGES}
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] >= _CERTAIN else ENGLISH


_GAPS = tuple(
    (re.compile(pattern, re.IGNORECASE), by)
    for pattern, by in (
        (r"\(\s*\)|\"\s*\"|“\s*”", ""),
        (r"\b(have|your|the|an?|need|provide|enter)\s*,?\s+(?:or|and)\s+(?=\w)", r"\1 "),
        (r"(?:\s*,)+(?=\s*,)", ""),
        (r"(?:,\s*)?\b(?:or|and)(?:\s+(?:your|the|an?))?\s*(?=[,.;:?!)]|$)", ""),
        (r"([:(])\s*(?:,|or\b|and\b)\s*", r"\1 "),
        (r"\s+(?=[,.;:?!)])", ""),
        (r",(?=[.;:?!)])", ""),
        (r"[^\S\n]{2,}", " "),
    )
)
"""Patterns of what an empty part leaves in a sentence, as in "your PIN or , please", and their replacements."""


def without_gaps(text: str) -> str:
    """The rendered template, with its grammar repaired where a part is empty."""
    for pattern, by in _GAPS:
        text = pattern.sub(by, text)
    return text.strip()
