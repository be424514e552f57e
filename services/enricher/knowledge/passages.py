"""Cuts texts into passages, and into the words by which they are searched."""

import re
import unicodedata
from collections.abc import Iterator, Sequence

LONGEST = 1200
"""The most characters of a passage."""
_ENDS = (re.compile(r"\n\s*\n"), re.compile(r"[.!?。！？…]+[\s\"'”»)]*|\n"), re.compile(r"\s+"))
"""Where a passage best ends: after a paragraph, else after a sentence, else after a word."""

_WORD = re.compile(r"[^\W_]+")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
)
"""Letters of languages that put no spaces between words."""
_COMMON = frozenset(
    "a about after am an and any are as at be been before but by can could did do does for from get had has have "
    "he her how i if in into is it its may me might much must my no not of on or our shall she should so than "
    "that the their them then there these they this those to us was we were what when where which who whom why "
    "will with would you your aber als am an auch auf aus bei das dem den der des die ein eine einem einen einer "
    "es fur hat ich ihr im ist kann man mein mit nach nicht oder sich sie sind und uns von war was wer wie wir "
    "zu zum zur".split()
)
"""Words that say nothing about what is looked for."""
_MOST_WORDS = 64
"""The most words of a query that are looked for."""


def passages(text: str) -> Iterator[str]:
    """The text in passages of up to LONGEST characters; joined, they are the text."""
    start = 0
    while len(text) - start > LONGEST:
        end = _end(text, start)
        yield text[start:end]
        start = end
    yield text[start:]


def cut(texts: Sequence[tuple[str, str]]) -> list[tuple[str, list[tuple[str, str]]]]:
    """(the words of the title, the passages of the text, each with its words) of each (title, text)."""
    return [
        (indexed_words(title), [(passage, indexed_words(passage)) for passage in passages(text)])
        for title, text in texts
    ]


def _end(text: str, start: int) -> int:
    """The last good end in the second half of the longest passage that begins at `start`."""
    for pattern in _ENDS:
        ends = [found.end() for found in pattern.finditer(text, start + LONGEST // 2, start + LONGEST)]
        if ends:
            return ends[-1]
    return start + LONGEST


def indexed_words(text: str) -> str:
    """The words under which a text is found, separated by spaces: in small letters and without accents.

    In languages without spaces these are each letter and each two letters that follow each other.
    """
    return " ".join(word for run in _runs(text) for word in (_letters(run) if _UNSPACED.match(run) else (run,)))


def queried_words(query: str) -> list[str]:
    """The words to look for, each once; common words only if there are no others."""
    words = dict.fromkeys(word for run in _runs(query) for word in (_pairs(run) if _UNSPACED.match(run) else (run,)))
    return ([word for word in words if word not in _COMMON] or list(words))[:_MOST_WORDS]


def _runs(text: str) -> Iterator[str]:
    """The words of a text, and its runs of letters without spaces."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    for word in _WORD.findall(unicodedata.normalize("NFC", plain)):
        start = 0
        for run in _UNSPACED.finditer(word):
            if run.start() > start:
                yield word[start : run.start()]
            yield run[0]
            start = run.end()
        if start < len(word):
            yield word[start:]


def _letters(run: str) -> list[str]:
    return [*run, *(_pairs(run) if len(run) > 1 else ())]


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(len(run) - 1)] or [run]
