"""What a check of a persona's reply is told, and what a check is."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import re2

from shared.llm.persona_reply import PersonaReply
from shared.model.events import PersonaFlag
from shared.yaml import load_file

LONGEST = 2_000
"""The most characters of a text that checks read."""
_TEXTS = 1_000
"""The texts whose result is remembered, because the offline model says the same in many conversations."""
_WORD = re.compile(r"\w+(?:'\w+)*")


@dataclass(frozen=True, slots=True)
class Scene:
    """What a persona and the agent had said before the reply, and what the persona was told.

    own, heard: its messages and the agent's, oldest first. asked: those of the agent that it answers.
    facts: what the real customer in its place said. age_range: as in its demographics, such as `35-45`; may be empty.
    private: texts that it must not quote: its instructions and its description. traits: its behaviour traits.
    tools: the names of the agent's tools. instructions: of the agent's procedure.
    language: in which the persona writes, by its English name; "" is the agent's.
    """

    own: Sequence[str] = ()
    heard: Sequence[str] = ()
    asked: Sequence[str] = ()
    facts: Sequence[str] = ()
    age_range: str = ""
    private: tuple[str, ...] = ()
    traits: Sequence[str] = ()
    tools: Sequence[str] = ()
    instructions: str = ""
    language: str = ""


class Check(NamedTuple):
    """One thing that may be wrong with a reply.

    severe: the reply is asked for again. wrong: what is wrong, for the persona's model and for users.
    finds: True if it is wrong.
    """

    flag: PersonaFlag
    severe: bool
    wrong: str
    finds: Callable[[PersonaReply, Scene], bool]


LANGUAGES: Sequence[Mapping[str, Any]] = [
    load_file(file) for file in sorted(Path(__file__).with_name("phrases").glob("*.yaml"))
]
"""The phrases of each language by check; a check looks for those of every language."""


def phrases(check: str, *others: str) -> Callable[[str], bool]:
    """A function that tells if a text matches a phrase of the check, or one of the other patterns."""
    return matching(*(phrase for language in LANGUAGES for phrase in language[check]), *others)


def matching(*patterns: str) -> Callable[[str], bool]:
    """A function that tells if a text matches one of the patterns, without regard to case.

    RE2 tries them all at once: a message takes about 2 µs, and 50 µs with the module re.
    """
    search = re2.compile("(?i)" + "|".join(patterns)).search
    found = lru_cache(maxsize=_TEXTS)(lambda text: search(text) is not None)
    return lambda text: found(straight(text))


def straight(text: str) -> str:
    """The part of a text that checks read, with straight apostrophes."""
    return text[:LONGEST].replace("’", "'")


def quotes(text: str, texts: tuple[str, ...], length: int) -> bool:
    """True if the text has `length` neighbouring words of one of the texts."""
    return _quotes(straight(text), texts, length)


@lru_cache(maxsize=_TEXTS)
def _quotes(text: str, texts: tuple[str, ...], length: int) -> bool:
    return not _all_runs(texts, length).isdisjoint(_runs(text, length))


@lru_cache(maxsize=512)
def _all_runs(texts: tuple[str, ...], length: int) -> frozenset[tuple[str, ...]]:
    return frozenset(run for text in texts for run in _runs(text, length))


def _runs(text: str, length: int) -> Iterator[tuple[str, ...]]:
    """Every run of `length` neighbouring words."""
    words = _WORD.findall(text.lower())
    return zip(*(words[start:] for start in range(length)), strict=False)
