"""What the real customer said, made ready to be said again: which utterance answers which question."""

import re
from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from shared.llm.base import PersonaBrief
from shared.llm.offline.kinds import Mention, asked_kinds, mentions, telling_words
from shared.llm.offline.slots import declines, loose_name

_KEPT = 2_048
_ANSWERS, _CHOOSES = 0.45, 0.75
"""How well an utterance must serve as an answer, and as a choice between options."""
_TOKENS = frozenset(("username", "pin", "card", "id"))
_PARTING = re.compile(
    r"\b(?:bye|goodbye|that'?s (?:all|it|everything)|that (?:is|was|will be) (?:all|it|everything)|that'?ll be all|"
    r"have a (?:great|good|nice)|you too|nothing else|no thanks|no thank you|no,? that|all set|i'?m good)\b",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"^(?:(?:and|so|is|are|was|were|does|did|do|have|has|had|would|shall|should|can|could|will|may|might) "
    r"(?:it|you|we|i|they|this|that)\b ?(?:rather |like |prefer |want |arrange |have |need )?(?:to )?)?"
    r"(?:(?:a|an|the) )?"
)
_THANKS = re.compile(
    r"^\W*(?:ok(?:ay)?|great|thanks?|thank you|perfect|awesome|cool|alright|sounds good|wonderful|yes|yeah|no)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Utterance:
    """One thing the real customer said: the agent's words before it, its values, its telling words, what it is for.

    parting: it says goodbye. filler: it says nothing of its own.
    """

    text: str
    before: str
    values: tuple[Mention, ...]
    words: frozenset[str]
    before_words: frozenset[str]
    before_kinds: frozenset[str]
    parting: bool
    filler: bool


@dataclass(frozen=True, slots=True)
class Material:
    """All of it, in order; `fresh` is what was said after the opening."""

    all: tuple[Utterance, ...]
    fresh: tuple[Utterance, ...]


_kept: "OrderedDict[int, tuple[PersonaBrief, Material]]" = OrderedDict()


def material_of(brief: PersonaBrief) -> Material:
    """The brief's material; the same object's is kept."""
    kept = _kept.get(id(brief))
    if kept is None:
        fresh = tuple(_fresh(brief.material))
        opening = tuple(_utterance(text, "") for text in brief.opening if text.strip())
        kept = (brief, Material((*opening, *fresh), fresh))
        _kept[id(brief)] = kept
        if len(_kept) > _KEPT:
            _kept.popitem(last=False)
    return kept[1]


def _fresh(material: Sequence[tuple[str, str]]) -> Iterator[Utterance]:
    asked = ""
    for before, text in material:
        # Said on end: what the agent had asked holds for all of it.
        asked = before or asked
        if text.strip():
            yield _utterance(text, asked)


def _utterance(text: str, before: str) -> Utterance:
    values = mentions(text)
    if "name" in asked_kinds(before) and len(text) < 40 and all(value.kind != "name" for value in values):
        name = loose_name(text)
        values = (*values, Mention("name", name, "name")) if name and " " in name else values
    return Utterance(
        text=" ".join(text.split()),
        before=before,
        values=values,
        words=telling_words(text),
        before_words=telling_words(before),
        before_kinds=frozenset(asked_kinds(before)),
        parting=_PARTING.search(text) is not None,
        filler=not values and _THANKS.search(text) is not None and len(text) < 60,
    )


def value_for(material: Material, kind: str, question: str) -> tuple[Utterance, str] | None:
    """The utterance that has the kind of value that a question asks for, and the value; None when nobody said it."""
    wanted = telling_words(question)
    best: tuple[float, Utterance, str] | None = None
    for utterance in material.all:
        for mention in utterance.values:
            score = _worth(kind, wanted, mention, utterance)
            if score > 0 and (best is None or score > best[0]):
                best = (score, utterance, mention.value)
    return (best[1], best[2]) if best else None


def _worth(kind: str, wanted: frozenset[str], mention: Mention, utterance: Utterance) -> float:
    """How well a mention serves; 0 when not at all."""
    label = telling_words(mention.label)
    near = 2.0 * len(label & wanted) + len(utterance.before_words & wanted)
    if kind in _TOKENS:
        if mention.kind not in ("id", "number", "zip", "phone") or len(mention.value) < 3:
            return 0
        labelled = asked_kinds(mention.label)
        if (kind in labelled and kind != "id") or label & wanted:
            return 4 + near
        # Without a label, a token says what it is by its look and by what was asked just before it was said.
        return 0 if labelled else near * _look(kind, wanted, mention.value)
    if kind == mention.kind:
        return 2 + near
    if (kind, mention.kind) in (("amount", "number"), ("number", "duration"), ("time", "duration")):
        return near
    return 0


def _look(kind: str, wanted: frozenset[str], value: str) -> float:
    """How much a token looks like what is wanted: user names have small letters, orders digits, accounts both."""
    small, digits = any(map(str.islower, value)), value.isdigit()
    if kind == "username":
        return 1.5 if small else 0.0 if digits else 0.1
    if kind == "pin":
        return 1.0 if digits and len(value) < 9 else 0.0
    if "order" in wanted:
        return 1.5 if digits else 0.2
    if "accoun" in wanted:
        return 0.3 if digits or small else 1.5
    return 0.2 if small else 1.0


def best_answer(material: Material, question: str, said: Collection[str], options: Sequence[str]) -> Utterance | None:
    """The utterance that answers a question best: it has one of its options, or was said to much the same question."""
    wanted = telling_words(question)
    choices = [telling_words(option) for option in options]
    best: tuple[float, Utterance] | None = None
    for utterance in material.all if options else material.fresh:
        if utterance.parting or (declines(utterance.text) and len(utterance.text) < 40):
            continue
        score = 0.15 * len(wanted & utterance.words)
        if utterance.before_words:
            score += len(wanted & utterance.before_words) / (1 + min(len(wanted), len(utterance.before_words)))
        chosen = [choice for choice in choices if choice and choice <= utterance.words]
        score += 1.5 if len(chosen) == 1 else 0.7 if chosen else 0.0
        score -= 0.3 * utterance.filler + 0.5 * (utterance.text in said)
        if score > (_CHOOSES if options else _ANSWERS) and (best is None or score > best[0]):
            best = (score, utterance)
    return best[1] if best else None


def options_in(question: str) -> tuple[str, ...]:
    """What the last question lists to choose from, as one would say it: "by mail, in store or drop off center".

    Empty when it lists none, or only kinds of value, as in "your name or your account ID".
    """
    asked = [sentence for sentence in re.split(r"(?<=[.!?])\s+|\n", question) if sentence.endswith("?")]
    if not asked or not re.search(r"\bor\b", asked[-1]):
        return ()
    listed = asked[-1].rpartition(":")[2].rstrip("?")
    parts = (_LEAD.sub("", part.strip(" .\"'()").lower()) for part in re.split(r",|\bor\b|\bplease\b", listed))
    options = tuple(re.sub(r"\byour\b", "my", part) for part in parts if part)
    return () if all(asked_kinds(option) for option in options) else options
