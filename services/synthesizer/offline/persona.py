"""The persona's side: what a simulated user says, and when it is silent or leaves."""

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, assert_never

from services.synthesizer.offline.closing import Cue, promises
from services.synthesizer.offline.kinds import ASKED
from services.synthesizer.offline.material import Material, Utterance, own_words
from services.synthesizer.offline.replies import agrees
from services.synthesizer.offline.slots import RENEWED, UNSHAPED
from services.synthesizer.offline.voice import Voice
from services.synthesizer.offline.wording import Phrases, wording
from shared.llm.base import ChatRequest
from shared.llm.briefs import PersonaBrief
from shared.llm.persona_reply import PersonaReply
from shared.model.draws import pick
from shared.model.events import Sentiment, Thoughts

_OBJECTS = {"LOW": 0.04, "MEDIUM": 0.12, "HIGH": 0.25}
_MOST_OBJECTIONS = 3
_SILENCE = 0.3
_LOOSE = frozenset(("amount", "date", "time", "number"))
"""Kinds that are often answered without a value, as in "the whole fee"."""
_OWN_GOODBYE = 0.3
_SLIPS = 0.08
_SLIPPERY = frozenset(("id", "zip", "pin"))
"""Kinds of which it sometimes gives a wrong value first and corrects itself."""
_PATIENCE = 16
"""The most answers of a persona before it gives up."""

_LIKELY = {"LOW": 70, "MEDIUM": 50, "HIGH": 30}
"""How likely a persona is to convert before anything is said, by how often it objects."""
_LESS, _MORE = 10, 20
"""How much less likely each objection makes it, and how much more the end of what the agent had to do."""

_PREFERENCE = re.compile(
    r"\b(?:would you|do you want|do you prefer|shall i|should (?:i|we)|which would|möchten sie|soll ich|wollen sie)\b",
    re.IGNORECASE,
)
_YES_NO = re.compile(
    r"(?:^|[.!,;:]\s*)(?:so |and |or )?(?:are|is|was|were|do|does|did|can|could|would|will|shall|should|have|has|may|"
    r"am i right|ist|sind|haben|hat|können|darf|soll|möchten|wollen|stimmt)\b[^?.]*\?",
    re.IGNORECASE,
)
_ASKS_VALUE = re.compile(
    r"\b(?:your|what|which|whose|tell|give|provide|share|know|need|enter|please|do you have|confirm|verify|remember|"
    r"(?:may|can|could) (?:i|we)|ihre?n?|welche[rsn]?|wie|nennen|geben|sagen|bestätigen)\b",
    re.IGNORECASE,
)
_SENTENCES = re.compile(r"(?<=[.!?:])\s+")
_CLAUSES = re.compile(r",|\band\b|\bor\b|\bund\b|\boder\b|\n|(?<=[.!?:])\s+")


class _Says(NamedTuple):
    """What the persona says and why. done: the agent has done what it had to."""

    text: str
    why: str
    sentiment: Sentiment = Sentiment.NEUTRAL
    leaves: bool = False
    done: bool = False


_SILENT = _Says("", "It does not feel like answering.")


def speak(request: ChatRequest, brief: PersonaBrief, material: Material, makes_up: bool = False) -> PersonaReply:
    """The persona's next step: say something, stay silent, or leave.

    makes_up: it makes up what the real customer did not say, instead of saying that it does not know.
    """
    return _Persona(request, brief, material, makes_up).reply()


class _Persona:
    """One step of a persona."""

    def __init__(self, request: ChatRequest, brief: PersonaBrief, material: Material, makes_up: bool) -> None:
        self.request = request
        self.brief = brief
        self.material = material
        self.makes_up = makes_up
        self.texts = material.texts
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
        self.voice = Voice(request, brief, self.own, self.question)
        self.again = self._is_asked_again()

    def _is_asked_again(self) -> bool:
        """True if the agent repeats its last sentence; the persona gives in then."""
        last = _SENTENCES.split(self.question)[-1]
        earlier = self.request.messages[: len(self.request.messages) - len(self.asked)]
        before = [*(message.text for message in earlier if message.role == "user"), *self.asked[:-1]]
        return bool(last) and any(text.endswith(last) for text in before)

    def reply(self) -> PersonaReply:
        """The reply to what the agent said."""
        said = self._says()
        if said.text and self.own and said.text == self.own[-1]:
            said = said._replace(text=self.voice.repeated(said.text))
        thoughts = Thoughts(said.why, said.sentiment, self._likely_to_convert(said))
        return PersonaReply(said.text, thoughts, said.leaves)

    def _likely_to_convert(self, said: _Says) -> int:
        """From 0 to 100: less with every objection, more once the agent is done, nothing once it gave up."""
        if said.leaves and said.sentiment is Sentiment.NEGATIVE:
            return 0
        objected = self._objected() + (said.sentiment is Sentiment.NEGATIVE)
        likely = _LIKELY.get(self.brief.objection_likelihood, _LIKELY["MEDIUM"]) - _LESS * objected + _MORE * said.done
        return max(0, min(100, likely))

    def _says(self) -> _Says:
        if not self.request.messages:
            return _Says(self._opening(), "It says what it wants.")
        cue = self.texts.cue_of(self.question)
        if cue not in (Cue.MORE, Cue.LEAVE, Cue.END) and self._stays_silent():
            return _SILENT
        if self._turns() >= max(_PATIENCE, len(self.brief.material)):
            return _Says(self.voice.pick("give_up"), "It has answered often enough.", Sentiment.NEGATIVE, leaves=True)
        if (opt_out := self._opts_out(cue)) is not None:
            return opt_out
        match cue:
            case Cue.ANSWER:
                return self._parts_as_before() or self._objection() or _Says(self._answer(), "It answers the question.")
            case Cue.REMARK | Cue.END:
                return self._remark(cue)
            case Cue.MORE | Cue.LEAVE:
                return self._finish(cue)
            case _:
                assert_never(cue)

    def _turns(self) -> int:
        """The number of its answers; the messages of one turn count once."""
        roles = [message.role for message in self.request.messages if message.text]
        return sum(pair == ("user", "assistant") for pair in itertools.pairwise(roles))

    def _opening(self) -> str:
        goal = self.brief.goal.strip().rstrip(".")
        if not goal:
            return self.voice.pick("open_without_goal")
        wish = next(iter(own_words(goal)), goal).rstrip(".")
        if self.voice.wording is wording() and not re.match(r"I\b", wish):
            wish = f"I'd like to {wish[0].lower()}{wish[1:]}"
        return self.voice.pick("open").format(goal=wish, Goal=f"{wish[0].upper()}{wish[1:]}")

    def _stays_silent(self) -> bool:
        """True now and then, never twice in a row."""
        may = "rarely_responds" in self.traits and not self.again and bool(self.own)
        return may and self.voice.draw("silence") < _SILENCE

    def _opts_out(self, cue: Cue) -> _Says | None:
        """A request to opt out, once and early, of a persona with the trait `tests_opt_out`; None otherwise."""
        phrases = self.voice.wording.traits["tests_opt_out"]["opt_out"]
        spoken = len(self.own) - len(self.brief.opening)
        if cue in (Cue.MORE, Cue.LEAVE, Cue.END) and self.brief.opening:
            return None
        if "tests_opt_out" not in self.traits or self._opted_out(phrases) or spoken < 1 or self.again:
            return None
        if self.voice.draw("opt out") < 0.5 and spoken < 3:
            return None
        text = self.voice.one(phrases, "opt out words")
        # Without a source or an opening the persona wants nothing else, so it leaves.
        wants_nothing = not self.brief.opening and not self.brief.material
        return _Says(text, "It tries whether it can opt out.", Sentiment.NEGATIVE, leaves=wants_nothing)

    def _opted_out(self, phrases: Phrases) -> bool:
        said = self.own[len(self.brief.opening) :]
        return any(phrase.is_in(text) for phrase in phrases for text in said)

    def _finish(self, cue: Cue) -> _Says:
        """Leave, unless the real customer still wanted something when the agent was about to end.

        A persona that asks much also asks what the real customer asked before.
        """
        curious = self.voice.long or "asks_many_questions" in self.traits
        for utterance in self._unsaid():
            went_on = utterance.cue in (Cue.MORE, Cue.LEAVE, Cue.END) and not (cue is Cue.LEAVE and utterance.last)
            asks = curious and len(self.own) < _PATIENCE // 2 and utterance.text.endswith("?")
            if went_on or asks:
                return _Says(self.voice.put(utterance.text), "It still wants something.", done=True)
        return self._leave(self._goodbye())

    def _unsaid(self) -> Iterator[Utterance]:
        """What the real customer said later and the persona has not said yet, without thanks and goodbyes."""
        for utterance in self.material.fresh:
            if not utterance.parting and not utterance.filler and not self._was_said(utterance.text):
                yield utterance

    def _goodbye(self) -> str:
        own = [each.text for each in self.material.fresh if each.parting and not self._was_said(each.text)]
        longest = 0 if self.voice.long else 40 if self.voice.short else 120
        if own and len(own[-1]) < longest and self.voice.draw("own goodbye") < _OWN_GOODBYE:
            return self.voice.put(own[-1])
        return self.voice.pick("goodbye")

    def _leave(self, text: str) -> _Says:
        """Leave, content unless it objected."""
        sentiment = Sentiment.NEUTRAL if self._objected() else Sentiment.POSITIVE
        return _Says(text, "It has what it wanted.", sentiment, leaves=True, done=True)

    def _objected(self) -> int:
        """The number of its messages that object."""
        phrases = self.voice.phrases("object")
        return sum(any(phrase.is_in(text) for phrase in phrases) for text in self.own[len(self.brief.opening) :])

    def _objection(self) -> _Says | None:
        """An objection in place of an answer; never two in a row, so it gives in when asked again."""
        phrases = self.voice.objections()
        objected = [any(phrase.is_in(text) for phrase in phrases) for text in self.own]
        if self.again or objected[-1:] == [True] or sum(objected) >= _MOST_OBJECTIONS:
            return None
        if self.voice.draw("objects") >= _OBJECTS.get(self.brief.objection_likelihood, 0.0):
            return None
        text = self.voice.one(phrases, "objection")
        return _Says(text, "It objects instead of answering.", Sentiment.NEGATIVE)

    def _answer(self) -> str:
        """The answer to a question, from what the real customer said."""
        options = self.material.options_in(self.question)
        kinds = () if options else self._kinds()
        found = self._values(kinds)
        if len(found) == 1 and (slip := self._slip(kinds[0], found[0][1])):
            return self.voice.corrected(slip, found[0][1])
        if found:
            return self.voice.put(", ".join(self._told(*each, kinds).rstrip(".,") for each in found))
        if (utterance := self._likely(options, kinds)) is not None:
            return self.voice.put(self._trimmed(utterance, options))
        if options and _PREFERENCE.search(self.question):
            return self.voice.put(options[int(self.voice.draw("preference") * len(options))].capitalize())
        if kinds or options:
            return self._unknown(kinds)
        if _YES_NO.search(self.question):
            unhappy = self.voice.draw("unhappy") < _OBJECTS.get(self.brief.objection_likelihood, 0.0)
            return self.voice.pick("no") if unhappy else self.voice.pick("yes")
        return self.voice.pick("unknown")

    def _values(self, kinds: Sequence[str]) -> list[tuple[Utterance, str]]:
        """The utterance and the value for each kind that it has a value for; an utterance with several counts once."""
        found: list[tuple[Utterance, str]] = []
        for kind in kinds:
            clause = self._clause(kind)
            value = self.material.value_for(kind, clause, self._spent(clause))
            if value is not None and not any(value[1] in self._told(*each, kinds) for each in found):
                found.append(value)
        return found

    def _spent(self, clause: str) -> set[str]:
        """The values that were its whole reply to a question for something else."""
        wanted, question, spent = self.texts.telling_words(clause), "", set[str]()
        for message in self.request.messages:
            if message.role == "user":
                question = message.text
            elif len(values := [each for each in self.texts.mentions(message.text) if each.kind != "name"]) == 1:
                spent |= {value.value for value in values if not wanted <= self.texts.telling_words(question)}
        return spent

    def _kinds(self) -> Sequence[str]:
        """The kinds of value that it is asked for; none in "Did the e-mail arrive?"."""
        asks_other = _YES_NO.search(self.question) is not None and _ASKS_VALUE.search(self.question) is None
        return () if asks_other else self.texts.asked_kinds(self.question)

    def _likely(self, options: Sequence[str], kinds: Sequence[str]) -> Utterance | None:
        """What the real customer said to a similar question, but nothing of another kind than is asked for.

        Nor does it evade a question again that is to be answered with yes or no.
        """
        utterance = self.material.best_answer(self.question, self.own, options)
        if utterance is None:
            return None
        unfit = kinds and (utterance.values or not _LOOSE.issuperset(kinds))
        yes_or_no = not kinds and not options and _YES_NO.search(self.question) is not None
        evades = self.again and yes_or_no and agrees(utterance.text) is None
        return None if unfit or evades else utterance

    def _unknown(self, kinds: Sequence[str]) -> str:
        """A phrase such as "I don't know", or a made-up value: always the same one for the same question."""
        if not kinds or not self.makes_up:
            return self.voice.pick("unknown")
        kind, clause = kinds[0], self._clause(kinds[0])
        asked = ASKED[kind].search(clause)
        before = clause[: asked.start()].split()[-1:] if asked else []
        words = sorted(self.texts.telling_words(" ".join((*before, asked[0] if asked else ""))))
        renewed = "new" if RENEWED.search(clause) else ""
        request, purpose = self.request, f"made up {renewed} {kind} {' '.join(words)}"
        text = pick(self.voice.wording.made_up[kind], request.seed, request.index, 0, purpose)
        for place in range(text.count("#")):
            digit = pick("123456789", request.seed, request.index, 0, f"{purpose} {place}")
            text = text.replace("#", digit, 1)
        return self.voice.put(text)

    def _clause(self, kind: str) -> str:
        """The part of the question that asks for this kind: "order ID and account ID" has two parts."""
        sentences = [each for each in _SENTENCES.split(self.question) if kind in self.texts.asked_kinds(each)]
        sentence = sentences[-1] if sentences else self.question
        if kind in UNSHAPED or len(self.texts.asked_kinds(sentence)) == 1:
            return sentence
        clauses = [clause for clause in _CLAUSES.split(sentence) if kind in self.texts.asked_kinds(clause)]
        return clauses[0] if clauses else sentence

    def _told(self, utterance: Utterance, value: str, kinds: Sequence[str]) -> str:
        """The utterance; only its value if that is enough, or if it also has a value that nobody asked for."""
        unasked = any(each.value != value and each.kind not in kinds for each in utterance.values)
        if self.voice.short or unasked or len(utterance.text) > 160 or self._was_said(utterance.text):
            return value
        return utterance.text

    def _slip(self, kind: str, value: str) -> str:
        """The value with two digits in the wrong order, now and then; "" if it makes no mistake."""
        if kind not in _SLIPPERY or self.again or self.voice.draw("slips") >= _SLIPS:
            return ""
        places = [place for place, (one, two) in enumerate(itertools.pairwise(value)) if _differ(one, two)]
        if not places or not value.isalnum():
            return ""
        place = places[-1]
        return f"{value[:place]}{value[place + 1]}{value[place]}{value[place + 2 :]}"

    def _trimmed(self, utterance: Utterance, options: Sequence[str]) -> str:
        if not self.voice.short:
            return utterance.text
        words = [option for option in options if re.search(rf"\b{re.escape(option)}\b", utterance.text, re.IGNORECASE)]
        if len(words) == 1 and len(utterance.text) > 40:
            return words[0].capitalize()
        sentences = re.split(r"(?<=[.!?])\s+", utterance.text)
        return max(sentences, key=len) if len(utterance.text) > 80 else utterance.text

    def _remark(self, cue: Cue) -> _Says:
        """The reply to a message that asks nothing: what the real customer said next, or a word or two.

        It leaves when nothing is left to say and the agent is done, or the real customer left unasked, too.
        """
        unsaid = list(self._unsaid())
        for utterance in unsaid:
            if utterance.cue in (Cue.REMARK, Cue.END) and not utterance.values:
                return _Says(self.voice.put(utterance.text), "It was asked nothing and goes on.")
        if self._turns() and not unsaid and (cue is Cue.END or self._remarked() or self._leaves_unasked()):
            return self._leave(self._goodbye())
        return _Says(self.voice.pick("acknowledge"), "It was asked nothing.")

    def _leaves_unasked(self) -> bool:
        """True if the real customer left without a closing question, and the agent does not ask to wait."""
        fresh = self.material.fresh
        if not fresh or promises(self.question):
            return False
        return fresh[-1].cue not in (Cue.MORE, Cue.LEAVE)

    def _parts_as_before(self) -> _Says | None:
        """Leave if the real customer left when asked the same question for the same number of times."""
        last = _SENTENCES.split(self.asked[-1])[-1]
        times = sum(message.text.endswith(last) for message in self.request.messages if message.role == "user")
        replies = [each for each in self.material.fresh if each.before.endswith(last)]
        reply = replies[times - 1] if last and times <= len(replies) else None
        return self._leave(self.voice.put(reply.text)) if reply and reply.parting and reply.last else None

    def _remarked(self) -> bool:
        return bool(self.own) and any(phrase.is_in(self.own[-1]) for phrase in self.voice.phrases("acknowledge"))

    def _was_said(self, text: str) -> bool:
        return any(text in own for own in self.own)


def _differ(one: str, two: str) -> bool:
    return one.isdigit() and two.isdigit() and one != two
