"""Filling a slot from what the user said: by its JSON Schema first, then by what its name and description speak of."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from shared.llm.offline.kinds import ASKED, FILLER, Mention, asked_kinds, declared, mentions, name_in, telling_words
from shared.model.events import Json
from shared.model.steps import Ask
from shared.patterns import BadPattern, Pattern, compile_pattern

_FORMATS = {
    "email": "email",
    "idn-email": "email",
    "date": "date",
    "date-time": "date",
    "time": "time",
    "uri": "url",
    "url": "url",
}
_IDS = frozenset(("username", "pin", "card", "id"))
"""Kinds whose values are tokens like others, told apart by the words around them."""

_READ = 4_000
"""Characters of a message in which a pattern is looked for."""

_DECLINES = re.compile(
    r"\b(?:(?:do not|don'?t|dont|didn'?t|can'?t|cannot|can not|could ?n'?t) (?:\w+ ){0,2}?"
    r"(?:have|know|remember|recall|find|see|want|say)|no idea|not sure|unsure|"
    r"forgot|i have none|rather not|not at hand|haven'?t got)\b",
    re.IGNORECASE,
)
_YES = re.compile(
    r"^\W*(?:yes|yeah|yep|yup|sure|correct|right|ok|okay|of course|certainly|please do|absolutely|i do|i am|it is)\b",
    re.IGNORECASE,
)
_NO = re.compile(r"^\W*(?:no|nope|nah|not|negative|never|i don'?t|i do not|i'm not)\b", re.IGNORECASE)
_NO_VALUE = re.compile(
    r"^\W*(?:(?:stop|unsubscribe|not interested|no|nope|yes|yep|yeah|sure|ok|okay|right|please|fine|thanks?|thank you|"
    r"hello|hi)\b\W*)+$|\b(?:take me off|not interested)\b",
    re.IGNORECASE,
)
"""A reply that is no answer to a question for a value."""


class Heard(NamedTuple):
    """One thing the user said, and the agent's words that it came right after ("" at the start)."""

    text: str
    question: str


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """A slot as its asker sees it; one object a step of a program, so that what it found can be kept by it.

    kind: of its values; "" for free text.
    words: what tells it from others of its kind.
    options: of an enumeration: what is looked for, the value, and what half a mention must have.
    renewed: its value is to take another's place, so that it differs from theirs.
    """

    name: str
    kind: str
    words: frozenset[str]
    type: str
    options: tuple[tuple[re.Pattern[str], Json, frozenset[str]], ...]
    pattern: Pattern | None
    constant: str | None
    renewed: bool


def slot_of(ask: Ask) -> Slot:
    """What is known of the slot that a step asks for."""
    schema = ask.schema
    spoken = ask.slot.replace("_", " ")
    description = str(schema.get("description", ""))
    options = schema.get("enum")
    listed = options if isinstance(options, list | tuple) else []
    type_ = schema.get("type")
    kind = _FORMATS.get(str(schema.get("format", "")), "")
    if not kind and not listed:
        kinds = asked_kinds(spoken) or asked_kinds(description)
        kind = kinds[0] if kinds else "number" if type_ in ("integer", "number") else ""
    if kind == "number" and "amount" in asked_kinds(spoken):
        kind = "amount"
    return Slot(
        name=ask.slot,
        kind=kind,
        words=telling_words(spoken) or telling_words(description),
        type=type_ if isinstance(type_, str) else "string",
        options=tuple(_option(value, listed) for value in listed),
        pattern=_pattern(schema.get("pattern")),
        constant=_text(schema["const"]) if "const" in schema else None,
        renewed=re.search(r"\b(?:new|desired|replacement|updated)\b", spoken) is not None,
    )


def _option(value: Json, others: Sequence[Json]) -> tuple[re.Pattern[str], Json, frozenset[str]]:
    words = re.findall(r"[^\W_]+", str(value).lower())
    rest = frozenset[str]().union(*(telling_words(_spaced(other)) for other in others if other != value))
    whole = r"(?<!\w)" + r"[\W_]*".join(map(re.escape, words)) + r"(?!\w)"
    return re.compile(whole, re.IGNORECASE), value, telling_words(_spaced(value)) - rest


def _spaced(value: Json) -> str:
    return str(value).replace("_", " ").replace("-", " ")


def _pattern(source: Json) -> Pattern | None:
    if not isinstance(source, str):
        return None
    try:
        return compile_pattern(source.removeprefix("^").removesuffix("$"))
    except BadPattern:
        return None


def declines(text: str) -> bool:
    """Whether the user says that there is no answer."""
    return _DECLINES.search(text) is not None


def agrees(text: str) -> bool | None:
    """Yes, no, or neither."""
    return True if _YES.search(text) else False if _NO.search(text) else None


def fill(slot: Slot, heard: Sequence[Heard], question: str, taken: frozenset[str]) -> str | None:
    """The slot's value as the user gave it, or None.

    question: how the slot is asked for; what was said right after it, or after a question that names the slot too, is
    read more liberally, the latest first. taken: values of other slots, which one that renews must not repeat.
    """
    if slot.constant is not None:
        return slot.constant
    for said in reversed(heard):
        if said.question and (question in said.question or _names(slot, said.question)):
            value = _from_reply(slot, said.text)
            if value is not None and not (slot.renewed and value in taken):
                return value
    unwanted = taken if slot.renewed else _NONE
    for said in heard:
        value = _from_anywhere(slot, said.text, unwanted)
        if value is not None:
            return value
    return None


_NONE: frozenset[str] = frozenset()


@lru_cache(maxsize=8192)
def _names(slot: Slot, question: str) -> bool:
    """Whether a question asks for the slot by its own words."""
    return (
        bool(slot.words)
        and slot.words <= telling_words(question)
        and (not slot.kind or ASKED[slot.kind].search(question) is not None)
    )


@lru_cache(maxsize=16384)
def _from_anywhere(slot: Slot, text: str, taken: frozenset[str]) -> str | None:
    if slot.options:
        return _option_in(slot, text, whole=True)
    if slot.pattern is not None:
        # A pattern may be as wide as a word; only one that wants a digit is looked for where nobody asked.
        value = _by_pattern(slot.pattern, text) if _has_digit(text) else None
        return value if value is not None and _has_digit(value) else None
    if not slot.kind:
        return None
    for mention in mentions(text):
        if mention.value not in taken and _fits(slot, mention, asked=False):
            return mention.value
    return None


def _has_digit(text: str) -> bool:
    return any(character.isdigit() for character in text)


def _by_pattern(pattern: Pattern, text: str) -> str | None:
    """What the pattern finds first in what a person would read of a text, unless it is part of a longer word."""
    text = text[:_READ]
    span = pattern.find(text)
    if span is None:
        return None
    start, end = span
    before, after = text[max(start - 1, 0) : start], text[end : end + 1]
    inside = before.isalnum() or (before in "-@" and before) or after.isalnum()
    return None if inside else text[start:end]


def _fits(slot: Slot, mention: Mention, *, asked: bool) -> bool:
    """Whether a mention may be the slot's value: of its kind, and labelled so unless it was asked for."""
    if slot.kind in _IDS:
        if mention.kind not in ("id", "number", "zip", "phone") or len(mention.value) < 3:
            return False
        label = telling_words(mention.label)
        kinds = asked_kinds(mention.label)
        if label & slot.words or (slot.kind in kinds and slot.kind != "id"):
            return True
        # Labelled as something else: "order ID 123" is no account ID.
        return asked and not kinds
    if slot.kind == "zip":
        return mention.kind == "zip" and (asked or "zip" in mention.label or "post" in mention.label)
    if slot.kind == "number":
        counts = mention.kind in ("number", "duration", "amount")
        return counts and (asked or bool(slot.words & telling_words(mention.label)))
    if slot.kind == "amount" and asked:
        return mention.kind in ("amount", "number")
    return mention.kind == slot.kind


@lru_cache(maxsize=16384)
def _from_reply(slot: Slot, text: str) -> str | None:
    """The value in a direct reply, read liberally."""
    if slot.options:
        return _option_in(slot, text, whole=False)
    if slot.type == "boolean":
        answer = agrees(text)
        return None if answer is None else str(answer).lower()
    if slot.pattern is not None:
        return _by_pattern(slot.pattern, text)
    if not slot.kind:
        return _free(text)
    for mention in mentions(text):
        if _fits(slot, mention, asked=True):
            return mention.value
    said = declared(text)
    if slot.kind not in _LOOSE or declines(said) or _NO_VALUE.search(said):
        return None
    return _LOOSE[slot.kind](said)


def _option_in(slot: Slot, text: str, *, whole: bool) -> str | None:
    best: tuple[int, Json] | None = None
    for pattern, value, _ in slot.options:
        found = pattern.search(text)
        # Said where nobody asked, a word such as "email" is more often a label than a choice.
        if not found or (whole and (asked_kinds(found[0]) or len(found[0]) < 4 or text[found.end() :][:1] == ":")):
            continue
        # The longest option said wins: "in transit" beats "transit".
        if best is None or len(found[0]) > best[0]:
            best = (len(found[0]), value)
    if best is not None:
        return _text(best[1])
    if whole:
        return None
    for part in (declared(text), text):
        near = [value for _, value, own in slot.options if own & telling_words(part)]
        if len(near) == 1:
            return _text(near[0])
    values = {str(value).lower(): value for _, value, _ in slot.options}
    if values.keys() <= {"yes", "no", "true", "false"} and (answer := agrees(text)) is not None:
        said = ("yes", "true") if answer else ("no", "false")
        return next((_text(values[word]) for word in said if word in values), None)
    return None


def _text(value: Json) -> str:
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def _free(text: str) -> str | None:
    """A reply that is neither a question nor a refusal, without what only leads up to it."""
    said = declared(text)
    if declines(said) or _NO_VALUE.search(said):
        return None
    return FILLER.sub("", said).strip(" .!,;\n")[:500] or None


def loose_name(text: str) -> str | None:
    """The name in a reply to a question for one: capitals need not be, and a first name alone will do."""
    name = name_in(" ".join(re.findall(r"\b[A-Z][\w'’-]*", text)))
    if name and name in " ".join(text.split()):
        return name
    for sentence in re.split(r"[,.;:!?\n]|\b(?:and|my|is|with)\b", text):
        words = FILLER.sub("", sentence).split()
        if 1 < len(words) < 4 and name_in(" ".join(words)) == " ".join(words):
            return " ".join(words)
    return _single(FILLER.sub("", text).strip(" .!,").split())


def _single(words: list[str]) -> str | None:
    """A first name alone will do when nothing else was said."""
    return words[0] if len(words) == 1 and name_in(f"{words[0]} X") else None


def _loose_token(text: str) -> str | None:
    tokens = [token for token in re.findall(r"[\w.@-]+", FILLER.sub("", text)) if not token.endswith(".")]
    return tokens[0] if len(tokens) == 1 and len(tokens[0]) > 2 else None


def _loose_address(text: str) -> str | None:
    stripped = FILLER.sub("", re.sub(r"(?i)\baddress(?: is)?\b", "", text)).strip(" .:")
    found = re.search(r"\d+\s+\w.*", stripped, re.DOTALL)
    return found[0].strip()[:300] if found else None


_LOOSE = {"name": loose_name, "username": _loose_token, "address": _loose_address, "id": _loose_token}
"""For kinds whose values have no shape of their own: how a direct reply is read when no value stands out."""
