"""Fills slots from what the user said: by their JSON Schemas first, then by their names and descriptions."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from services.synthesizer.offline.kinds import ASKED, NUMBERS, Mention, Texts, is_bare_phone, normal
from services.synthesizer.offline.names import FILLER, name_in_reply
from services.synthesizer.offline.replies import agrees, corrected, declines, has_no_value, misspelt
from services.synthesizer.offline.slots import INSTEAD, RENEWED, Slot, as_text, named_ids, spaced
from shared.model.events import Json
from shared.patterns import Pattern

_IDS = frozenset(("username", "pin", "card", "id"))
"""Kinds whose values have the same shape; the words around a value decide its kind."""

_READ = 4_000
"""The characters of a message that are searched for a pattern."""


class Heard(NamedTuple):
    """What the user said, and what the agent said before it ("" at the start)."""

    text: str
    question: str


class Filler:
    """Fills slots from what the user said, and caches the results of the latest texts."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._asks_for = lru_cache(maxsize=8192)(self._names)
        self._anywhere = lru_cache(maxsize=16384)(self._from_anywhere)
        self._reply = lru_cache(maxsize=16384)(self._from_reply)

    def fill(self, slot: Slot, heard: Sequence[Heard], question: str, taken: frozenset[str]) -> str | None:
        """The slot's value as the user gave it, or None.

        question: how the slot is asked for. Replies to it, and to other questions that name the slot, are read more
        liberally, the latest first. taken: values of other slots, which a renewed slot must not repeat.
        """
        if slot.constant is not None:
            return slot.constant
        unwanted = frozenset(map(normal, taken)) if slot.renewed else frozenset[str]()
        value = self._filled(slot, heard, question, unwanted)
        if value is None:
            return None
        return _part_of_name(slot, value) if slot.kind == "name" else _in_unit(slot, value)

    def _filled(self, slot: Slot, heard: Sequence[Heard], question: str, unwanted: frozenset[str]) -> str | None:
        # A name that is spelled wrong is replaced by itself, spelled right.
        repeated = slot.kind == "name" and any(misspelt(said.text) for said in heard)
        old = frozenset[str]() if repeated else unwanted
        for said in reversed(heard):
            if said.question and (question in said.question or self._asks_for(slot, said.question)):
                value = self._reply(slot, said.text, old)
                if value is not None and normal(value) not in old:
                    return value
        for said in heard:
            value = self._anywhere(slot, said.text, unwanted)
            if value is not None:
                return value
        return None

    def answers_another(self, slot: Slot, question: str, text: str) -> bool:
        """Whether a reply gives a value of another kind that the question asks for, too: "your name or your ID"."""
        others = [kind for kind in self._texts.asked_kinds(question) if kind != slot.kind]
        return any(self._is_of(kind, mention) for kind in others for mention in self._texts.mentions(text))

    def _is_of(self, kind: str, mention: Mention) -> bool:
        labelled = self._texts.asked_kinds(mention.label)
        return (not labelled or kind in labelled) and (mention.kind == kind or (kind in _IDS and mention.kind in _IDS))

    def _names(self, slot: Slot, question: str) -> bool:
        """True if a question names the slot."""
        return (
            bool(slot.words)
            and (RENEWED.search(question) is not None) == slot.renewed
            and slot.words <= self._texts.telling_words(question)
            and (not slot.kind or ASKED[slot.kind].search(question) is not None)
        )

    def _from_anywhere(self, slot: Slot, text: str, taken: frozenset[str]) -> str | None:
        if slot.options:
            return self._option_in(slot, text, whole=True)
        if slot.pattern is not None:
            # A pattern may match any word, so unasked only values with a digit count.
            value = _by_pattern(slot.pattern, text) if _has_digit(text) else None
            return value if value is not None and _has_digit(value) else None
        if not slot.kind:
            return None
        found = [each for each in self._texts.mentions(text) if self._fits(slot, each, asked=False)]
        if slot.renewed:
            found = [each for each in found if INSTEAD.search(each.label) and normal(each.value) not in taken]
        return found[0].value if found else None

    def _fits(self, slot: Slot, mention: Mention, *, asked: bool) -> bool:
        """True if a mention may be the slot's value. Unasked, its label must name the slot."""
        if slot.kind in _IDS:
            if mention.kind not in ("id", "number", "zip", "phone") or len(mention.value) < 3:
                return False
            kinds = self._texts.asked_kinds(mention.label)
            if self._texts.telling_words(mention.label) & slot.words or (slot.kind in kinds and slot.kind != "id"):
                return True
            # The label names another kind: "order ID 123" is not an account ID.
            return asked and not kinds and not named_ids(mention.label)
        if slot.kind == "zip":
            return mention.kind == "zip" and (asked or "zip" in mention.label or "post" in mention.label)
        if slot.kind == "number":
            counts = mention.kind in ("number", "duration", "amount")
            return counts and (asked or bool(slot.words & self._texts.telling_words(mention.label)))
        if slot.kind == "phone" and (mention.kind == "phone" or (asked and is_bare_phone(mention))):
            return not named_ids(mention.label) or "phone" in self._texts.asked_kinds(mention.label)
        if slot.kind == "amount" and asked:
            return mention.kind in ("amount", "number")
        return mention.kind == slot.kind

    def _from_reply(self, slot: Slot, text: str, taken: frozenset[str]) -> str | None:
        """The value in a direct reply, read liberally; after "no, wait" the one that follows."""
        last = corrected(text)
        value = self._read(slot, last, taken) if last != text else None
        return value if value is not None else self._read(slot, text, taken)

    def _read(self, slot: Slot, text: str, taken: frozenset[str]) -> str | None:
        if slot.options:
            return self._option_in(slot, text, whole=False)
        if slot.type == "boolean":
            answer = agrees(text)
            return None if answer is None else str(answer).lower()
        if slot.pattern is not None:
            return _by_pattern(slot.pattern, text)
        if not slot.kind:
            value = self._free(text)
            return name_in_reply(self._texts.declared(text)) or value if value and slot.brief else value
        found = [each for each in self._texts.mentions(text) if self._fits(slot, each, asked=True)]
        if slot.renewed:
            # "From the old one to the new one": the last one, unless another is called new.
            found = [each for each in found if normal(each.value) not in taken][::-1]
            found.sort(key=lambda each: INSTEAD.search(each.label) is None)
        if found:
            return found[0].value
        said = self._texts.declared(text)
        if slot.kind not in _LOOSE or declines(text) or has_no_value(said):
            return None
        loose = _LOOSE[slot.kind](said)
        if slot.kind == "name" and loose is not None and _is_code(loose, text):
            return None
        return None if any(each.value == loose for each in self._texts.mentions(text)) else loose

    def _option_in(self, slot: Slot, text: str, *, whole: bool) -> str | None:
        best: tuple[int, Json] | None = None
        for pattern, value, _ in slot.options:
            found = pattern.search(text)
            # Unasked, a word such as "email" is more often a label than a choice.
            if not found or (
                whole and (self._texts.asked_kinds(found[0]) or len(found[0]) < 4 or text[found.end() :][:1] == ":")
            ):
                continue
            # The longest option wins: "in transit" before "transit".
            if best is None or len(found[0]) > best[0]:
                best = (len(found[0]), value)
        if best is not None:
            return as_text(best[1])
        if whole:
            return None
        for part in (self._texts.declared(text), text):
            near = [value for _, value, own in slot.options if own & self._texts.telling_words(part)]
            if len(near) == 1:
                return as_text(near[0])
        for mention in self._texts.mentions(text):
            kinds = [value for _, value, _ in slot.options if mention.kind in self._texts.asked_kinds(spaced(value))]
            if len(kinds) == 1:
                return as_text(kinds[0])
        values = {str(value).lower(): value for _, value, _ in slot.options}
        if values.keys() <= {"yes", "no", "true", "false"} and (answer := agrees(text)) is not None:
            said = ("yes", "true") if answer else ("no", "false")
            return next((as_text(values[word]) for word in said if word in values), None)
        return None

    def _free(self, text: str) -> str | None:
        """The reply without filler words, or None if it is a question or a refusal."""
        said = self._texts.declared(text)
        if declines(text) or has_no_value(said):
            return None
        return _loose_text(said)


def _part_of_name(slot: Slot, name: str) -> str:
    """The first or the last name, for a slot that asks for one of them."""
    words = slot.name.split("_")
    return name.split()[0] if "first" in words else name.split()[-1] if "last" in words else name


def _in_unit(slot: Slot, value: str) -> str:
    """The number alone, if it is in the unit that the slot asks for: "5 days" to "how many days?"."""
    number, _, unit = value.partition(" ")
    asked = slot.unit and slot.kind == "number" and unit.lower().removesuffix("s") == slot.unit
    return str(NUMBERS.get(number.lower(), number)) if asked else value


def _is_code(name: str, text: str) -> bool:
    """True if a name is one long word in capitals, and not the rest of the text, too: it is rather an ID."""
    return " " not in name and len(name) > 5 and name.isupper() and not text.isupper()


def _has_digit(text: str) -> bool:
    return any(character.isdigit() for character in text)


def _by_pattern(pattern: Pattern, text: str) -> str | None:
    """The first match of the pattern, or None if it is part of a longer word."""
    text = text[:_READ]
    span = pattern.find(text)
    if span is None:
        return None
    start, end = span
    before, after = text[max(start - 1, 0) : start], text[end : end + 1]
    inside = before.isalnum() or (before in "-@" and before) or after.isalnum()
    return None if inside else text[start:end]


def _loose_token(text: str) -> str | None:
    tokens = re.findall(r"[\w@-]+(?:\.[\w@-]+)*", FILLER.sub("", text))
    return tokens[0] if len(tokens) == 1 and len(tokens[0]) > 2 else None


def _loose_id(text: str) -> str | None:
    token = _loose_token(text)
    return token if token and (_has_digit(token) or token.isupper()) else None


def _loose_address(text: str) -> str | None:
    stripped = FILLER.sub("", re.sub(r"(?i)\baddress(?: is)?\b", "", text)).strip(" .:")
    found = re.search(r"\d+\s+\w.*", stripped, re.DOTALL)
    return found[0].strip()[:300] if found else None


def _loose_text(text: str) -> str | None:
    return FILLER.sub("", text).strip(" .!,;\n")[:500] or None


_LOOSE = {
    "name": name_in_reply,
    "username": _loose_token,
    "address": _loose_address,
    "id": _loose_id,
    "item": _loose_text,
}
"""By kind, how to read a direct reply in which no shape was found."""
