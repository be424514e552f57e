"""The persona's side: what a synthetic user says, silences and goodbyes included."""

import re
from collections.abc import Sequence

from shared.llm.base import LEAVE, STAY_SILENT, ChatReply, ChatRequest, PersonaBrief, ToolRequest
from shared.llm.offline.kinds import asked_kinds
from shared.llm.offline.material import Utterance, best_answer, material_of, options_in, value_for
from shared.llm.offline.wording import Phrases, wording
from shared.model.draws import draw, pick

_OBJECTS = {"LOW": 0.04, "MEDIUM": 0.12, "HIGH": 0.25}
_MOST_OBJECTIONS = 3
_SILENCE = 0.3
_QUESTION = 0.3
_PATIENCE = 16
"""Its own messages after which a persona gives up."""

_ANYTHING_ELSE = re.compile(
    r"\b(?:(?:any|some) ?thing|what) else\b|\bfurther (?:assistance|help|questions)\b|"
    r"\bany other (?:questions?|help)\b|\ball i can do\b|\bis that all\b",
    re.IGNORECASE,
)
_FAREWELL = re.compile(r"\b(?:goodbye|bye|have a (?:great|nice|good|lovely|wonderful)|take care)\b", re.IGNORECASE)
_ASKS = re.compile(
    r"\?|\b(?:please (?:tell|give|provide|share|enter|confirm)|i(?:'ll| will)? need (?:your|the)|provide)\b",
    re.IGNORECASE,
)
_PREFERENCE = re.compile(
    r"\b(?:would you|do you want|do you prefer|shall i|should (?:i|we)|which would)\b", re.IGNORECASE
)
_YES_NO = re.compile(
    r"(?:^|[.!,;:]\s*)(?:so |and |or )?(?:are|is|was|were|do|does|did|can|could|would|will|shall|should|have|has|may|"
    r"am i right)\b[^?.]*\?",
    re.IGNORECASE,
)


_SENTENCES = re.compile(r"(?<=[.!?:])\s+")
_CLAUSES = re.compile(r",|\band\b|\bor\b|\n")
_WORDS = re.compile(r"[a-z]+")


def speak(request: ChatRequest, brief: PersonaBrief) -> ChatReply:
    """The persona's next step: say something, stay silent, or leave."""
    return _Persona(request, brief).step()


class _Persona:
    """One step of a persona: what it said, what it is asked, and how it puts things."""

    def __init__(self, request: ChatRequest, brief: PersonaBrief) -> None:
        self.request = request
        self.brief = brief
        self.short = brief.response_length == "SHORT"
        self.long = brief.response_length == "LONG"
        self.traits = frozenset(brief.behaviour_traits)
        self.own = [message.text for message in request.messages if message.role == "assistant" and message.text]
        asked: list[str] = []
        for message in reversed(request.messages):
            if message.role == "assistant":
                break
            if message.role == "user" and message.text:
                asked.append(message.text)
        self.asked = asked[::-1]
        self.question = "\n".join(self.asked)
        self.again = self._is_asked_again()

    def _is_asked_again(self) -> bool:
        """Whether the last sentence that it is told was told before: then it gives in."""
        last = _SENTENCES.split(self.question)[-1]
        earlier = self.request.messages[: len(self.request.messages) - len(self.asked)]
        before = [*(message.text for message in earlier if message.role == "user"), *self.asked[:-1]]
        return bool(last) and any(text.endswith(last) for text in before)

    def step(self) -> ChatReply:
        """What it does now, by what it is asked."""
        if not self.request.messages:
            return ChatReply(self._opening())
        if self._stays_silent():
            return ChatReply(call=ToolRequest(STAY_SILENT.name))
        # The opening is its own as well, when there is one.
        if len(self.own) - len(self.brief.opening) >= _PATIENCE:
            return self._leave(self._pick("give_up"))
        if (opt_out := self._opts_out()) is not None:
            return opt_out
        if _ANYTHING_ELSE.search(self.question):
            return self._finish()
        if _FAREWELL.search(self.question) and not _ASKS.search(self.question):
            return self._leave(self._goodbye())
        if _ASKS.search(self.question):
            return ChatReply(self._objection() or self._answer())
        return ChatReply(self._remark())

    def _opening(self) -> str:
        goal = self.brief.goal.strip().rstrip(".")
        if not goal:
            return self._pick("open_without_goal")
        wish = goal if re.match(r"(?i)i\b", goal) else f"I'd like to {goal[0].lower()}{goal[1:]}"
        wish = re.sub(r"(?i)\b(?:their|his|her)\b", "my", wish)
        return self._pick("open").format(goal=wish, Goal=wish)

    def _stays_silent(self) -> bool:
        """Now and then, and never twice on end."""
        return (
            "rarely_responds" in self.traits and not self.again and bool(self.own) and self._draw("silence") < _SILENCE
        )

    def _opts_out(self) -> ChatReply | None:
        """Once, early on, for a persona that tests whether it can."""
        phrases = wording().traits["tests_opt_out"]["opt_out"]
        spoken = len(self.own) - len(self.brief.opening)
        if "tests_opt_out" not in self.traits or any(text in phrases for text in self.own) or spoken < 1 or self.again:
            return None
        if self._draw("opt out") < 0.5 and spoken < 3:
            return None
        text = pick(phrases, self.request.seed, self.request.index, self.request.seq, "opt out words")
        # Who wanted nothing in the first place has nothing to wait for.
        return self._leave(text) if not self.brief.opening and not self.brief.material else ChatReply(text)

    def _finish(self) -> ChatReply:
        """Asked whether there is anything else: what is still unsaid if it asks much, else goodbye."""
        curious = self.long or "asks_many_questions" in self.traits
        if curious and len(self.own) < _PATIENCE // 2:
            for utterance in material_of(self.brief).fresh:
                if utterance.text.endswith("?") and not self._was_said(utterance.text):
                    return ChatReply(utterance.text)
        return self._leave(self._goodbye())

    def _goodbye(self) -> str:
        own = [each.text for each in material_of(self.brief).fresh if each.parting and not self._was_said(each.text)]
        if own and not self.long and self._draw("own goodbye") < 0.5 and len(own[-1]) < (40 if self.short else 120):
            return own[-1]
        return self._pick("goodbye")

    def _leave(self, text: str) -> ChatReply:
        return ChatReply(call=ToolRequest(LEAVE.name, {"text": text}))

    def _objection(self) -> str:
        """An objection in place of an answer; never two on end, so that it gives in when asked again."""
        phrases = [*self._phrases("object"), *(text for trait in self._curious() for text in trait)]
        objected = [phrase for phrase in phrases if self._was_said(phrase)]
        if self.again or any(phrase in self.own[-1] for phrase in objected) or len(objected) >= _MOST_OBJECTIONS:
            return ""
        if self._draw("objects") >= _OBJECTS.get(self.brief.objection_likelihood, 0.0):
            return ""
        return self._one([text for text in phrases if text not in objected] or phrases, "objection")

    def _curious(self) -> list[Phrases]:
        """What its traits make it ask."""
        traits = wording().traits
        return [traits[trait]["ask"] for trait in self.brief.behaviour_traits if "ask" in traits.get(trait, {})]

    def _answer(self) -> str:
        """The answer to a question, from what the real customer said."""
        material = material_of(self.brief)
        options = options_in(self.question)
        parts: list[str] = []
        if not options:
            for kind in asked_kinds(self.question):
                found = value_for(material, kind, self._clause(kind))
                if found is not None and not any(found[1] in part for part in parts):
                    parts.append(self._told(*found))
        if parts:
            return self._put(", ".join(part.rstrip(".,") for part in parts))
        if (utterance := best_answer(material, self.question, self.own, options)) is not None:
            return self._put(self._trimmed(utterance, options))
        if options and _PREFERENCE.search(self.question):
            return self._put(self._one(options, "preference").capitalize())
        if asked_kinds(self.question) or options:
            return self._pick("unknown")
        if _YES_NO.search(self.question):
            unhappy = self._draw("unhappy") < _OBJECTS.get(self.brief.objection_likelihood, 0.0)
            return self._pick("no") if unhappy else self._put(self._pick("yes"))
        return self._pick("unknown")

    def _clause(self, kind: str) -> str:
        """The part of the question that asks for this kind, so that "order ID and account ID" are two questions."""
        clauses = [clause for clause in _CLAUSES.split(self.question) if kind in asked_kinds(clause)]
        return clauses[0] if clauses else self.question

    def _told(self, utterance: Utterance, value: str) -> str:
        """An utterance with a value, never without it."""
        if self.short or len(utterance.text) > 160 or self._was_said(utterance.text):
            return value
        return utterance.text

    def _trimmed(self, utterance: Utterance, options: Sequence[str]) -> str:
        if not self.short:
            return utterance.text
        words = [option for option in options if re.search(rf"\b{re.escape(option)}\b", utterance.text, re.IGNORECASE)]
        if len(words) == 1 and len(utterance.text) > 40:
            return words[0].capitalize()
        sentences = re.split(r"(?<=[.!?])\s+", utterance.text)
        return max(sentences, key=len) if len(utterance.text) > 80 else utterance.text

    def _remark(self) -> str:
        """What it says when it is not asked: what the real customer went on to say, else a word or two."""
        for utterance in material_of(self.brief).fresh:
            if utterance.parting or utterance.filler or self._was_said(utterance.text) or utterance.values:
                continue
            if not utterance.before or _ASKS.search(utterance.before) is None:
                return self._put(utterance.text)
        return self._put(self._pick("acknowledge"))

    def _put(self, text: str) -> str:
        """The words in the persona's manner: a few, some, or many, and what its traits make it ask."""
        curious = [phrases for phrases in self._curious() if phrases]
        asks = ""
        if curious and self._draw("asks") < (_QUESTION if self.long else _QUESTION / 2):
            phrases = curious[int(self._draw("which trait") * len(curious))]
            asks = self._one([phrase for phrase in phrases if not self._was_said(phrase)], "which question")
        if self.short:
            return f"{text.rstrip('.!')}. {asks}" if asks and text[-1:] != "?" else f"{text} {asks}".strip()
        before = after = ""
        if self.long:
            before = self._pick("padding_before") if self._draw("before") < 0.4 else ""
            after = self._pick("padding_after") if self._draw("after") < 0.4 and not asks else ""
        elif self._draw("before") < 0.25:
            before = self._one(self._tone("before"), "tone")
        before, after, asks = ("" if self._just_said(part) else part for part in (before, after, asks))
        ended = text if text[-1:] in ".!?" or not (after or asks) else f"{text}."
        return " ".join(part for part in (before, ended, after, asks) if part)

    def _just_said(self, phrase: str) -> bool:
        return bool(self.own) and phrase in self.own[-1]

    def _was_said(self, text: str) -> bool:
        return any(text in own for own in self.own)

    def _tone(self, use: str) -> Phrases:
        """The phrases of the tone's first word that has some; [] when none has."""
        tones = wording().tones
        for word in _WORDS.findall(self.brief.tone.lower()):
            if use in tones.get(word, {}):
                return tones[word][use]
        return []

    def _phrases(self, use: str) -> Phrases:
        """The phrases for a use, in the persona's length and tone where there are such."""
        suffix = "_short" if self.short else "_long" if self.long else ""
        own = wording().persona
        return self._tone(f"{use}{suffix}") or own.get(f"{use}{suffix}") or self._tone(use) or own[use]

    def _pick(self, use: str) -> str:
        return self._one(self._phrases(use), use)

    def _one(self, phrases: Phrases, purpose: str) -> str:
        request = self.request
        return pick(phrases, request.seed, request.index, request.seq, purpose) if phrases else ""

    def _draw(self, purpose: str) -> float:
        return draw(self.request.seed, self.request.index, self.request.seq, purpose)
