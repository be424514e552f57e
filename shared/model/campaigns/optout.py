"""Tells if a reply asks that no more messages be sent (47 CFR 64.1200(a)(10): any reasonable wording).

It reads English, and the single words that carriers also accept in a few other languages.
"""

import re
from functools import lru_cache
from pathlib import Path

import re2

from shared.yaml import load_file

LONGEST = 2_000
"""The most characters of a reply that are read."""
_QUOTED = re.compile(r"^(?:>.*|On .{5,200} wrote:.*|-{2,} ?(?:Original|Forwarded) Message ?-{2,}.*)$", re.I | re.M)
_WORDS = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
_CLAUSE = re.compile(r"[.!?;:\n,\u2014\u2013()]+|\b(?:but|because)\b")


class _Words:
    """The words and patterns of optout.yaml, built once."""

    def __init__(self) -> None:
        words = load_file(Path(__file__).with_suffix(".yaml"))
        self.always = frozenset(words["always"])
        self.alone = frozenset(words["alone"])
        self.around = frozenset(words["around"])
        self.asks = re2.compile("(?i)" + "|".join(f"(?:{one})" for one in words["asks"]))
        self.does_not_ask = re2.compile("(?i)" + "|".join(f"(?:{one})" for one in words["does_not_ask"]))


@lru_cache(maxsize=1)
def _words() -> _Words:
    return _Words()


@lru_cache(maxsize=4_096)
def is_opt_out(reply: str) -> bool:
    """True if the reply asks that no more messages be sent. Quoted lines of an earlier message are not read."""
    words = _words()
    text = _own(reply)
    spoken = _WORDS.findall(text)
    if not spoken:
        return False
    if _only_asks(spoken, words):
        return True
    return any(_clause_asks(clause, words) for clause in _CLAUSE.split(text) if clause)


def _own(reply: str) -> str:
    """What the person wrote themselves, in lower case, with straight apostrophes."""
    text = reply[:LONGEST].encode(errors="replace").decode().replace("’", "'").replace("\r", "\n")
    quoted = _QUOTED.search(text)
    while quoted is not None and quoted[0].startswith(">"):
        text = text[: quoted.start()] + text[quoted.end() :]
        quoted = _QUOTED.search(text)
    return (text if quoted is None else text[: quoted.start()]).casefold()


def _only_asks(spoken: list[str], words: _Words) -> bool:
    """True if the whole reply is one of the words, with nothing but courtesy or emphasis around it."""
    said = set(spoken)
    joined = "".join(spoken)
    if joined in words.always or joined in words.alone:
        return True
    return bool(said & (words.always | words.alone)) and said <= words.always | words.alone | words.around


def _clause_asks(clause: str, words: _Words) -> bool:
    spoken = _WORDS.findall(clause)
    if not spoken or words.does_not_ask.search(clause) is not None:
        return False
    said = set(spoken)
    if said & words.always and said <= words.always | words.around:
        return True
    return words.asks.search(clause) is not None
