"""What the real customer said: finds the utterance that answers a question."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from services.synthesizer.offline.closing import Cue, parts
from services.synthesizer.offline.kinds import Mention, Texts, is_bare_phone, normal
from services.synthesizer.offline.names import name_in_reply
from services.synthesizer.offline.replies import declines, misspelt
from services.synthesizer.offline.slots import CURRENT, INSTEAD, PRESENT, RENEWED, UNSHAPED, WANTED, named_ids
from shared.llm.briefs import PersonaBrief

_ANSWERS, _CHOOSES = 0.45, 0.75
"""The least scores of an answer, and of a choice between options."""
_LABELLED = 10.0
"""The score of a token with a label: the customer says what it is."""
_TOKENS = frozenset(("username", "pin", "card", "id"))
_LEAD = re.compile(
    r"^(?:(?:and|so|is|are|was|were|does|did|do|have|has|had|would|shall|should|can|could|will|may|might) "
    r"(?:it|you|we|i|they|this|that)\b ?(?:rather |like |prefer |want |arrange |have |need )?(?:to )?)?"
    r"(?:(?:a|an|the) )?"
)
_THANKS = re.compile(
    r"^\W*(?:ok(?:ay)?|great|thanks?|thank you|perfect|awesome|cool|alright|sounds good|wonderful|yes|yeah|no|"
    r"danke|vielen dank|gut|prima|super|perfekt|alles klar|in ordnung|verstanden|ja|nein)\b",
    re.IGNORECASE,
)
_WISHES = re.compile(
    r"\?|\b(?:can|could|would|will) (?:you|i|we)\b|\b(?:what|how|when|where|need|want|please|"
    r"(?:können|könnten|würden|werden) sie|kann ich|wie|wann|wo|warum|brauche|möchte|bitte)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n")
_FIRST_PERSON = {
    **dict.fromkeys(("your", "their", "his", "her"), "my"),
    "you are": "I am",
    "you were": "I was",
    "you're": "I'm",
    "you": "I",
    "yourself": "myself",
    "yours": "mine",
}
_PERSON = re.compile(rf"\b(?:{'|'.join(sorted(_FIRST_PERSON, key=len, reverse=True))})\b", re.IGNORECASE)
_SAYS = re.compile(
    r"(?:\b(?:is|was)|:)\s+(?:the )?([^\s,.?!]+(?: (?!if\b)[^\s,.?!]+){0,2})(?: if\b[^.?!]{0,60})?\W*$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Utterance:
    """One thing the real customer said.

    before: the agent's words before it; cue: what they called for. values, words: what is in it.
    parting: it says goodbye. filler: it says nothing of its own. last: nothing was said after it.
    """

    text: str
    before: str
    values: tuple[Mention, ...]
    words: frozenset[str]
    before_words: frozenset[str]
    cue: Cue
    parting: bool
    filler: bool
    last: bool


_Found = tuple[float, Utterance, Mention]
"""The score of a mention, the utterance that contains it, and the mention."""


class Material:
    """What the real customer of a brief said, in order; `fresh` is what was said after the opening.

    `all` has the facts of the persona's goal, too: they are told only when they are asked for.
    """

    def __init__(self, brief: PersonaBrief, texts: Texts) -> None:
        self.texts = texts
        self.fresh = tuple(self._fresh(brief.material))
        opening = tuple(self._utterance(text, "", last=False) for text in brief.opening if text.strip())
        facts = tuple(self._utterance(text, "", last=False) for text in own_words(brief.goal)) if brief.goal else ()
        self.all = (*opening, *self.fresh, *(fact for fact in facts if fact.values))
        self._wishes = tuple(fact for fact in facts if not fact.values)

    def _fresh(self, material: Sequence[tuple[str, str]]) -> Iterator[Utterance]:
        asked = ""
        for number, (before, text) in enumerate(material, start=1):
            # Several messages in a row answer the same words of the agent.
            asked = before or asked
            if text.strip():
                yield self._utterance(text, asked, last=number == len(material))

    def _utterance(self, text: str, before: str, *, last: bool) -> Utterance:
        values = self.texts.mentions(text)
        if (
            "name" in self.texts.asked_kinds(before)
            and len(text) < 40
            and all(value.kind not in ("name", "item") and value.value != text.strip() for value in values)
        ):
            name = name_in_reply(text)
            values = (*values, Mention("name", name, "name")) if name else values
        cue = self.texts.cue_of(before)
        return Utterance(
            text=" ".join(text.split()),
            before=before,
            values=values,
            words=self.texts.telling_words(text),
            before_words=self.texts.telling_words(before),
            cue=cue,
            parting=parts(text, cue, last),
            filler=not values and len(text) < 60 and _THANKS.search(text) is not None and _WISHES.search(text) is None,
            last=last,
        )

    def value_for(self, kind: str, question: str, spent: Collection[str] = ()) -> tuple[Utterance, str] | None:
        """The utterance with the kind of value that the question asks for, and the value; None if there is none.

        spent: values already given for other questions; these are used only if the customer says what they are.
        """
        wanted = self.texts.telling_words(question)
        if kind in UNSHAPED:
            return self._unshaped(kind, wanted)
        if kind == "name" and not any(each.kind == "name" for utterance in self.all for each in utterance.values):
            return self._bare_name()
        found: Sequence[_Found] = [
            (score, utterance, mention)
            for utterance in self.all
            for mention in utterance.values
            if (score := self._worth(kind, wanted, mention, utterance)) > (_LABELLED if mention.value in spent else 0)
        ]
        if found:
            found = self._of_age(kind, found, question)
        if not found:
            return None
        _, utterance, mention = max(found, key=lambda each: _rank(kind, *each))
        return utterance, mention.value

    def _bare_name(self) -> tuple[Utterance, str] | None:
        """The first utterance that is nothing but two or three words that may be a name, as in "Ann lee"."""
        for utterance in self.all:
            name = name_in_reply(utterance.text)
            if name and name == utterance.text.strip(" .!") and " " in name and name[0].isupper():
                return utterance, name
        return None

    def _of_age(self, kind: str, found: Sequence[_Found], question: str) -> Sequence[_Found]:
        """The new values if the question asks for new ones, else the others.

        A value is new if the customer says so or the agent asked for a new one. If neither did, the last value is new.
        The only name of a customer who says that it is spelled wrong is both.
        """
        called: set[str] = set()
        asked: set[str] = set()
        others: list[str] = []
        for _, utterance, mention in found:
            value = normal(mention.value)
            if INSTEAD.search(mention.label):
                called.add(value)
            elif self._asks_for_new(kind, utterance.before):
                asked.add(value)
            else:
                others.append(value)
        if RENEWED.search(question):
            known = called | asked | set(others)
            if kind == "name" and len(known) == 1 and any(misspelt(each.text) for each in self.all):
                return found
            new = called | asked or set(others[-1:])
            fitting = new - set(others if called | asked else [each for each in others if each == others[0]])
        else:
            fitting = set(others) or (set() if CURRENT.search(question) else called - asked)
        return [each for each in found if normal(each[2].value) in fitting]

    def _asks_for_new(self, kind: str, before: str) -> bool:
        """True if the agent's last sentence asks for a value that replaces another."""
        last = _SENTENCE.split(before)[-1]
        kinds = self.texts.asked_kinds(last)
        return RENEWED.search(last) is not None and (kind in kinds or (kind == "phone" and "id" in kinds))

    def _unshaped(self, kind: str, wanted: frozenset[str]) -> tuple[Utterance, str] | None:
        """A reply to a question for the same kind, or a sentence that names the kind, and the value in it."""
        for utterance in self.all:
            asked = kind in self.texts.asked_kinds(utterance.before) and wanted & utterance.before_words
            told = kind in self.texts.asked_kinds(utterance.text) and wanted & utterance.words
            says = _SAYS.search(utterance.text)
            usable = len(utterance.text) < 120 and "?" not in utterance.text and not utterance.parting
            if (
                usable
                and not declines(utterance.text)
                and ((asked and not utterance.filler and not utterance.values) or (told and says))
            ):
                return utterance, says[1] if says else utterance.text
        return None

    def _worth(self, kind: str, wanted: frozenset[str], mention: Mention, utterance: Utterance) -> float:
        """The score of a mention; 0 if it does not fit."""
        label = self.texts.telling_words(mention.label)
        near = 2.0 * len(label & wanted) + len(utterance.before_words & wanted)
        if kind in _TOKENS:
            if mention.kind not in ("id", "number", "zip") or len(mention.value) < 3:
                return 0
            if kind == "username" and mention.label.endswith(("i am ", "i'm ")) and _look(kind, wanted, mention.value):
                return _LABELLED + near
            # "My ID is" does not say what the id is of.
            labelled = () if (only := self.texts.asked_kinds(mention.label)) == ("id",) and not label else only
            other_zip = mention.kind == "zip" and "zip" in self.texts.asked_kinds(utterance.before)
            if other_zip or named_ids(mention.label) - wanted:
                return 0
            if (kind in labelled and kind != "id") or (label & wanted and (not labelled or kind in labelled)):
                return _LABELLED + near
            # The characters of a token without a label, and the question before it, tell its kind.
            asked = kind in self.texts.asked_kinds(utterance.before)
            return near * _look(kind, wanted, mention.value) if asked and not labelled else 0
        asked_before = self.texts.asked_kinds(utterance.before)
        if kind == "phone" and named_ids(mention.label) and kind not in self.texts.asked_kinds(mention.label):
            return 0
        if kind == mention.kind:
            return 2 + near
        if kind == "phone" and is_bare_phone(mention):
            # "The current number on file" is no order's number.
            a_number = "id" in asked_before and CURRENT.search(utterance.before) is not None
            return 1 + near if kind in asked_before or a_number else 0
        if (kind, mention.kind) in (("amount", "number"), ("number", "duration"), ("time", "duration")):
            return near or float(kind in asked_before)
        return 0

    def best_answer(self, question: str, said: Collection[str], options: Sequence[str]) -> Utterance | None:
        """The utterance that answers the question best: it has one of the options, or answered a similar question."""
        wanted = self.texts.telling_words(question)
        choices = [self.texts.telling_words(option) for option in options]
        unfit = PRESENT if RENEWED.search(question) else WANTED if CURRENT.search(question) else None
        best: tuple[float, Utterance] | None = None
        for utterance in (*self.all, *self._wishes) if options else self.fresh:
            if utterance.parting or (declines(utterance.text) and len(utterance.text) < 40):
                continue
            if options and unfit is not None and unfit.search(utterance.text):
                continue
            score = 0.15 * len(wanted & utterance.words)
            if utterance.before_words:
                score += len(wanted & utterance.before_words) / (1 + min(len(wanted), len(utterance.before_words)))
            chosen = [choice for choice in choices if choice and choice <= utterance.words]
            score += 1.5 if len(chosen) == 1 else 0.7 if chosen else 0.0
            score += any(option in utterance.text.lower() for option in options)
            score -= 0.3 * utterance.filler + 0.5 * (utterance.text in said)
            if score > (_CHOOSES if options else _ANSWERS) and (best is None or score > best[0]):
                best = (score, utterance)
        return best[1] if best else None

    def options_in(self, question: str) -> tuple[str, ...]:
        """The options that the last question lists, as one would say them: "by mail, in store or drop off center".

        Empty if it lists none, or only kinds of values, as in "your name or your account ID".
        """
        asked = [sentence for sentence in re.split(r"(?<=[.!?])\s+|\n", question) if sentence.endswith("?")]
        if not asked or not re.search(r"\b(?:or|oder)\b", asked[-1]):
            return ()
        listed = asked[-1].rpartition(":")[2].rstrip("?")
        split = re.split(r",|\b(?:or|oder|please|bitte)\b", listed)
        parts = (_LEAD.sub("", part.strip(" .\"'()").lower()) for part in split)
        options = tuple(re.sub(r"\byour\b", "my", part) for part in parts if part)
        return () if all(self.texts.asked_kinds(option) for option in options) else options


def _rank(kind: str, score: float, _: Utterance, mention: Mention) -> tuple[float, bool, int]:
    """Of mentions with the same score, one of the kind itself; then the longer token: people correct what they cut."""
    return score, mention.kind == kind, len(mention.value) if kind in _TOKENS else 0


def own_words(goal: str) -> list[str]:
    """The sentences of a goal as the persona says them: "You want your order" becomes "I want my order"."""
    return [_PERSON.sub(_first_person, sentence) for sentence in _SENTENCE.split(goal) if re.search(r"\w", sentence)]


def _first_person(found: re.Match[str]) -> str:
    words = _FIRST_PERSON[found[0].lower()]
    return words if words.startswith("I") or not found[0][0].isupper() else words.capitalize()


def _look(kind: str, wanted: frozenset[str], value: str) -> float:
    """How likely the token is of the kind: user names have small letters, orders have digits, accounts have both."""
    small, digits = any(map(str.islower, value)), value.isdigit()
    if kind == "username":
        return 1.5 if small else 0.0
    if kind == "pin":
        return 1.0 if digits and len(value) < 9 else 0.0
    if "order" in wanted:
        return 1.5 if digits else 0.2
    if "accoun" in wanted:
        return 0.3 if digits or small else 1.5
    return 0.2 if small else 1.0
