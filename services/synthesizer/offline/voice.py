"""How a persona talks: the phrases of its language, length, tone and traits, drawn by the seed."""

import re
from collections.abc import Sequence
from itertools import chain

from services.synthesizer.offline.wording import Phrase, Phrases, language_of, named, wording
from shared.llm.base import ChatRequest
from shared.llm.briefs import PersonaBrief
from shared.model.draws import draw

_WORDS = re.compile(r"[a-z]+")
_TRIES = 6
"""Draws at most until a phrase differs from what the persona said before."""
_QUESTION, _ASIDE = 0.3, 0.5
_HURRIES_AFTER = 3
"""The answers after which an impatient persona says so."""


class Voice:
    """The words of one step of a persona. own: what it has said; asked: what the agent said just now."""

    def __init__(self, request: ChatRequest, brief: PersonaBrief, own: Sequence[str], asked: str) -> None:
        self._request = request
        self._brief = brief
        self._own = own
        heard = " ".join((asked, *own)) or brief.goal
        self.wording = wording(named(brief.language) or language_of(heard))
        self.short = brief.response_length == "SHORT"
        self.long = brief.response_length == "LONG"

    def draw(self, purpose: str) -> float:
        """A number in [0, 1) for a purpose, always the same in one step."""
        return draw(self._request.seed, self._request.index, self._request.seq, purpose)

    def phrases(self, use: str) -> Phrases:
        """The phrases for a use, in the persona's length and tone if there are such."""
        suffix = "_short" if self.short else "_long" if self.long else ""
        own = self.wording.persona
        return self._of_tone(f"{use}{suffix}") or own.get(f"{use}{suffix}") or self._of_tone(use) or own[use]

    def of_traits(self, use: str) -> list[Phrases]:
        """The phrases for a use of each of its traits that has some."""
        traits = self.wording.traits
        return [traits[trait][use] for trait in self._brief.behaviour_traits if use in traits.get(trait, {})]

    def objections(self) -> Phrases:
        """Its objections, and the questions of its traits, which also put off an answer."""
        of_traits = chain(self.of_traits("object"), self.of_traits("ask"))
        return [*self.phrases("object"), *chain.from_iterable(of_traits)]

    def pick(self, use: str) -> str:
        """A phrase for a use."""
        return self.one(self.phrases(use), use)

    def one(self, phrases: Phrases, purpose: str) -> str:
        """One of the phrases, if possible none that it has said before."""
        text = ""
        for number in range(_TRIES if phrases else 0):
            again = f"{purpose} {number}" if number else purpose
            text = self._drawn(phrases, again)
            if not any(text in own for own in self._own):
                break
        return text

    def _drawn(self, phrases: Phrases, purpose: str) -> str:
        phrase = phrases[int(self.draw(purpose) * len(phrases))]
        return phrase.text(lambda choice: self.draw(f"{purpose} / {choice}"))

    def put(self, text: str) -> str:
        """The text in the persona's length and tone, with a question or an aside of its traits now and then."""
        if text.endswith("?"):
            return text
        framed = self._filled(self.phrases("frame"), "frame", text)
        extra = self._question() or self._aside() or self._hurry()
        ended = framed if framed[-1:] in ".!?" or not extra else f"{framed}."
        return f"{ended} {extra}" if extra else ended

    def _filled(self, phrases: Phrases, purpose: str, text: str) -> str:
        return self.one(phrases, purpose).replace("{text}", text.rstrip(" .!,"))

    def corrected(self, wrong: str, text: str) -> str:
        """The text after a slip of the tongue."""
        return self._filled(self.phrases("correct"), "correct", text).replace("{wrong}", wrong)

    def repeated(self, text: str) -> str:
        """The text, as something that it has said before."""
        return f"{self._drawn(self.phrases('repeat'), 'repeat')} {text}"

    def _question(self) -> str:
        curious = self.of_traits("ask")
        if not curious or self.draw("asks") >= (_QUESTION if self.long or not self.short else _QUESTION / 2):
            return ""
        phrases = [phrase for phrase in curious[int(self.draw("which trait") * len(curious))] if not self._said(phrase)]
        return self.one(phrases, "which question")

    def _aside(self) -> str:
        asides = [phrase for phrases in self.of_traits("aside") for phrase in phrases]
        return self.one(asides, "which aside") if self.draw("aside") < _ASIDE else ""

    def _hurry(self) -> str:
        hurries = [phrase for phrases in self.of_traits("hurry") for phrase in phrases]
        late = len(self._own) - len(self._brief.opening) >= _HURRIES_AFTER
        return self.one(hurries, "which hurry") if late and self.draw("hurry") < _ASIDE else ""

    def _said(self, phrase: Phrase) -> bool:
        return any(phrase.is_in(own) for own in self._own)

    def _of_tone(self, use: str) -> Phrases:
        """The phrases of the first word of the tone that has some, or ()."""
        for word in _WORDS.findall(self._brief.tone.lower()):
            if use in self.wording.tones.get(word, {}):
                return self.wording.tones[word][use]
        return ()
