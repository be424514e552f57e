"""People's names in a text, in any script: found by Unicode categories. The words are in names.yaml."""

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from unicodedata import category

from shared.yaml import load_file

_DATA = load_file(Path(__file__).with_name("names.yaml"))
_NO_NAMES = frozenset(_DATA["no_names"].split())
_ALSO_NAMES = frozenset(_DATA["also_names"].split())
_ALSO_IN_REPLIES = _ALSO_NAMES | frozenset(_DATA["also_names_in_replies"].split())
_PARTICLES = frozenset(_DATA["particles"].split())
_FILLERS = "|".join(sorted(_DATA["fillers"], key=len, reverse=True))
FILLER = re.compile(rf"^(?:\W+|(?:{_FILLERS})\b[\s,:!.]*)+", re.IGNORECASE)
"""Matches filler words at the start of a reply."""

_INTRODUCTION = re.compile("|".join(_DATA["introductions"]), re.IGNORECASE)
_REPLACEMENT = re.compile("|".join(_DATA["replacements"]), re.IGNORECASE)
_NAMED = re.compile(r"(?:^|full |my |customer |their )names? ?(?:is|'s|:|-)|^(?:mr|mrs|ms|dr)\b", re.IGNORECASE)
_TOKEN = re.compile(r"[^\s,;:!?()\"“”„«»<>。、，！？؟،]+")
_STOP = r"(?<!\b\w)(?<!\b(?i:st|dr|mr|ms|jr|sr))(?<!\b(?i:mrs))\.|\.\s*$"
"""A full stop, but not the one after an initial or an abbreviation."""
_END = re.compile(rf"[;:!?\n。！？؟]|{_STOP}")
_HEAD = re.compile(r",|،|\b(?:and|my|is|here|speaking|by)\b")
_CLAUSE = re.compile(rf"[,;:!?\n،。！？؟]|{_STOP}|\b(?:and|my|is|with)\b")
_LONGEST = 8
_ABBREVIATED = frozenset(("st.", "jr.", "sr."))


def names_in(text: str) -> list[str]:
    """The names in a text: introduced ones; without any, those at the start of a sentence. A replacement comes last."""
    replaced = [name for match in _REPLACEMENT.finditer(text) if (name := _introduced(text, match))]
    return [*_stated(text), *replaced]


def _stated(text: str) -> list[str]:
    introduced = [name for match in _INTRODUCTION.finditer(text) if (name := _introduced(text, match))]
    if introduced:
        return introduced
    heads = (_HEAD.split(FILLER.sub("", sentence), maxsplit=1)[0] for sentence in _END.split(text))
    return [name for head in heads if len((name := _whole(head)).split()) > 1 or (name and _caseless(name[0]))]


def name_in_reply(text: str) -> str | None:
    """The name in a reply to a question for a name; it may be in small letters or a single word."""
    if found := names_in(text):
        return found[0]
    clauses = [_tokens(clause) for clause in _CLAUSE.split(text)]
    for also in (_ALSO_IN_REPLIES, _ALSO_NAMES):
        for tokens in clauses:
            for start in range(len(tokens) - 1):
                name = _run(tokens[start:], also)
                if len(name) > 1 and (also is _ALSO_NAMES or start + len(name) == len(tokens)):
                    return " ".join(name)
    bare = [_tokens(FILLER.sub("", clause)) for clause in _CLAUSE.split(text)]
    for words in bare:
        longest = _LONGEST if any(word.lower() in _PARTICLES for word in words) else 3
        if 1 < len(words) <= longest and all(map(_may_be_name, words)):
            return " ".join(words)
    introduced = [_tokens(_CLAUSE.split(text[match.end() :])[0]) for match in _INTRODUCTION.finditer(text)]
    for words in (*bare, *introduced):
        if len(words) == 1 and (_is_name(words[0]) or (len(bare) == 1 and _may_be_name(words[0]))):
            return words[0]
    return None


def _introduced(text: str, match: re.Match[str]) -> str:
    """The name after an introduction. Only after "name is" may it be in small letters or a single word."""
    rest = _END.split(text[match.end() :].lstrip(), maxsplit=1)[0]
    tokens = _tokens(rest.partition(",")[0])
    name = _run(tokens)
    if len(name) > 1 or (name and _caseless(name[0][0])):
        return " ".join(name)
    if _NAMED.search(match[0]) is None or not tokens or not rest.startswith(tokens[0]):
        return ""
    if name and (len(tokens) == 1 or tokens[1].lower() in _NO_NAMES):
        return name[0]
    small = list(filter(_may_be_name, tokens[:2]))
    return " ".join(small) if len(small) == 2 and not name else ""


def _whole(text: str) -> str:
    """The text, if it is nothing but a name."""
    tokens = _tokens(text)
    return " ".join(tokens) if tokens and _run(tokens) == tokens else ""


def _run(tokens: Sequence[str], also: Collection[str] = _ALSO_NAMES) -> Sequence[str]:
    """The name at the start of the tokens: capitalised words, words of a script without capitals, and particles.

    also: words that count next to a word of a name, as in "Will Smith": first, or second and last.
    """
    length = 0
    for number, token in enumerate(tokens[:_LONGEST]):
        beside = tokens[1:2] if number == 0 else tokens[:1] if number == len(tokens) - 1 == 1 else ()
        known = any(_is_name(other) or other.lower() in also for other in beside)
        if _is_name(token) or (known and token.lower() in also and _has_capital(token)):
            length = number + 1
        elif token.lower() not in _PARTICLES:
            break
    return tokens[:length]


def _is_name(token: str) -> bool:
    return _has_capital(token) and _may_be_name(token)


def _may_be_name(token: str) -> bool:
    return _is_word(token) and token.lower() not in _NO_NAMES


def _tokens(text: str) -> list[str]:
    tokens = (token.strip("'’‘-*_") for token in _TOKEN.findall(text))
    return [
        token if (len(token) == 2 and token[0].isupper()) or token.lower() in _ABBREVIATED else token.rstrip(".…")
        for token in tokens
        if token
    ]


def _is_word(token: str) -> bool:
    """True if a token has only letters, their marks, and characters that join them."""
    return any(map(str.isalpha, token)) and all(
        category(each)[0] in "LM" or category(each) in ("Pd", "Cf") or each in "'’‘.·・" for each in token
    )


def _has_capital(token: str) -> bool:
    """Whether a part of a word ("al-Sayed") begins with a capital, or with a letter of a script that has none."""
    return any(part[0] == part[0].title() for part in re.split(r"[-‐‑'’.]", token) if part)


def _caseless(letter: str) -> bool:
    return letter.isalpha() and letter == letter.title() == letter.lower()
