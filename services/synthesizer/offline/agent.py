"""The agent's side: plays a procedure's steps over the conversation so far, until there is a new action.

What was asked, said, called and answered is read from the messages. So a conversation continues the same after a crash,
in another process, or from a replayed beginning. A play is stored between two calls; continuing it gives the same
actions as playing from the beginning.
"""

import json
import re
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from services.synthesizer.offline.filling import Filler, Heard
from services.synthesizer.offline.kinds import Texts, telling_words
from services.synthesizer.offline.program import Program, look_up_for, steps_for
from services.synthesizer.offline.replies import agrees, declines
from services.synthesizer.offline.wording import language_of, without_gaps, wording
from shared.llm.base import SILENCE, ChatReply, ChatRequest, Message, ToolRequest
from shared.llm.briefs import AgentBrief
from shared.llm.builtin_tools import AGENT_TOOLS, END_CONVERSATION
from shared.lru import LruCache
from shared.model.conditions import RESULTS
from shared.model.draws import draw, pick
from shared.model.events import Json
from shared.model.steps import Ask, Step, Tool

_ASKS = 2
"""The most answers without a value, and the most silences, before the agent continues without a slot."""
_MORE = 3
"""Times the agent asks whether the user needs anything else."""
_LOOKED_UP = 8
"""The most of the user's orders, or other things, that are read to find one."""
_TRIES = 6
"""Draws at most until what the agent says differs from what it said just now."""
_STEPS = 1_000
"""Steps played at most, so that a procedure with a loop ends."""

_OPTS_OUT = re.compile(
    r"\b(?:stopp?|unsubscribe|opt out|take me off|do not contact|abmelden|streichen sie mich)\b", re.IGNORECASE
)
_THAT_IS_ALL = re.compile(
    r"\b(?:that(?:'?s| is| was| will be|'?ll be) (?:all|it|everything)|nothing|no more|all set|bye|goodbye|take care|"
    r"thanks?|thank you|cheers|i'?m (?:good|fine|done)|nope?|nah|"
    r"none|naw|all good|not (?:today|now|really|at the moment)|"
    r"das (?:war|ist|wär|wäre)(?: \w+)? alles|das (?:war|wär)'?s|nichts|nein|nee|nö|danke(?:schön)?|vielen dank|"
    r"tschüss|tschau|ciao|auf wiedersehen|(?:im moment|gerade|heute) nicht|alles (?:gut|klar|bestens|erledigt))\b",
    re.IGNORECASE,
)


_PLAYS = 256
"""Plays stored at once; with more conversations, each is played from its beginning."""
_PROGRAMS = 512


class Plays:
    """The procedures that are being played."""

    def __init__(self, texts: Texts) -> None:
        self._filler = Filler(texts)
        self._plays: LruCache[int, _Play] = LruCache(_PLAYS)
        self._programs: LruCache[int, Program] = LruCache(_PROGRAMS)

    def act(self, request: ChatRequest, brief: AgentBrief) -> ChatReply:
        """The agent's next action."""
        messages = request.messages
        # A conversation's messages are the same objects at each call. A play holds its own, so no id is used twice.
        play = self._plays.get(id(messages[0])) if messages else None
        if play is None or not play.continues_in(messages):
            play = _Play(request, self._program(brief.steps) if brief.steps else None, self._filler)
            if play.heard:
                self._plays.put(id(messages[0]), play)
        try:
            return play.next(request)
        except Exception:
            # Its actions have ended; the next call plays from the beginning.
            self._plays.drop(id(messages[0]) if messages else 0)
            raise

    def _program(self, steps: Sequence[Step]) -> Program:
        # A program holds its steps, so no other object can get their id.
        program = self._programs.get(id(steps))
        if program is None:
            program = Program(steps)
            self._programs.put(id(steps), program)
        return program


class _Words(NamedTuple):
    """A phrase for a use, drawn when it is said, and a text after it; either may be empty."""

    use: str
    text: str = ""


_Actions = Generator[ChatReply, None, None]
"""Yields the agent's next action; resumes when there are more messages."""


class _Play:
    """One play of the steps over the messages; it is the `Player` of shared.model.steps.

    index: of the first message that no step has read. next_step: the index of the step to play next.
    heard: what the user said; the last utterance begins at `latest`. spoken: what the agent said before it.
    passed: the indexes of the steps since the last action that is in the messages.
    """

    def __init__(self, request: ChatRequest, program: Program | None, filler: Filler) -> None:
        self.request = request
        self.messages = request.messages
        self.filler = filler
        self.tools = {tool.name: tool for tool in request.tools}
        self.index = 0
        self.next_step = 0
        self.heard: list[Heard] = []
        self.latest = 0
        self.spoken = ""
        self.turns = 0
        self.said: list[_Words] = []
        self.slots: dict[str, str] = {}
        self.results: dict[str, Json] = {}
        self.asks: Counter[str] = Counter()
        self.silences: Counter[str] = Counter()
        self.passed: list[int] = []
        self._take_opening()
        self._follows_steps = program is not None
        self.program = program or Program(self._steps_in_words(request))
        self.wording = wording(language_of(self.program.spoken or " ".join(said.text for said in self.heard)))
        self._actions = self._run()

    def _steps_in_words(self, request: ChatRequest) -> Sequence[Step]:
        instructions = request.brief.instructions if isinstance(request.brief, AgentBrief) else ""
        return steps_for(request.tools, " ".join(said.text for said in self.heard), instructions)

    def continues_in(self, messages: Sequence[Message]) -> bool:
        """True if `messages` are the messages of this play, followed by the action that it returned last."""
        known = len(self.messages)
        return (
            len(messages) > known
            and messages[known - 1] is self.messages[-1]
            and self.messages[-1].role != "assistant"
            and messages[known].role == "assistant"
        )

    def next(self, request: ChatRequest) -> ChatReply:
        """The next action after the request's messages."""
        self.request, self.messages = request, request.messages
        action = next(self._actions)
        return replace(action, steps=tuple(self.passed)) if self._follows_steps else action

    def _take_opening(self) -> None:
        """Read what was said before the agent's first action: another agent's greeting, and the user's first words."""
        while self.index < len(self.messages) and self.messages[self.index].role != "user":
            self.spoken = self.messages[self.index].text
            self.index += 1
        if self.index == len(self.messages):
            # The user has said nothing, so the greeting is this agent's own.
            self.index, self.spoken = 0, ""
        self._listen()

    def _listen(self) -> None:
        """Read what the user says next."""
        self.latest = len(self.heard)
        while self.index < len(self.messages) and self.messages[self.index].role == "user":
            text = self.messages[self.index].text
            self.heard.append(Heard("" if text == SILENCE else text, self.spoken))
            self.index += 1

    def _reply(self) -> str:
        return " ".join(said.text for said in self.heard[self.latest :]).strip()

    def _run(self) -> _Actions:
        """Play the steps, then end the conversation."""
        steps = self.program.steps
        for _ in range(_STEPS):
            if self.next_step >= len(steps):
                break
            step = steps[self.next_step]
            self.passed.append(self.next_step)
            self.next_step += 1
            yield from step.play(self)
        yield from self._close()

    def say(self, template: str) -> None:
        self.said.append(_Words("", self._render(template)))

    def holds(self, condition: str) -> bool:
        return self.program.holds(condition, self.slots, self.results)

    def go_to(self, step_id: str) -> None:
        self.next_step = self.program.index.get(step_id, self.next_step)

    def end(self, template: str) -> _Actions:
        return self._end(_Words("", self._render(template)))

    def ask(self, step: Ask) -> _Actions:
        if step.slot in self.slots:
            return
        slot, question = self.program.slot(step), self._render(step.question)
        while not self._take(step, question):
            asks, reply = self.asks[step.slot], self._reply()
            if asks and self.filler.answers_another(slot, question, reply):
                return
            if asks and not self._follows_steps and declines(reply):
                yield from self._look_up(step.slot)
                if step.slot in self.slots:
                    return
            if asks >= _ASKS or self.silences[step.slot] >= _ASKS or (asks and step.optional and declines(reply)):
                if asks and declines(reply) and _Words("without") not in self.said:
                    self.said.append(_Words("without"))
                return
            yield from self._say(_Words(self._lead(asks > 0 or self.silences[step.slot] > 0)), _Words("", question))
            if self._reply():
                self.asks[step.slot] += 1
            else:
                self.silences[step.slot] += 1

    def _take(self, step: Ask, question: str) -> bool:
        """Fill the slot from what the user said; False if they did not say it."""
        value = self.filler.fill(self.program.slot(step), self.heard, question, frozenset(self.slots.values()))
        if value is not None:
            self.slots[step.slot] = value
        return value is not None

    def _lead(self, again: bool) -> str:
        """The phrase to begin a question with, by what the user said just now; "" for none."""
        reply = self._reply()
        if not self.turns:
            return "greet"
        if self.said and (not reply or declines(reply)):
            return ""
        if not reply and self.heard:
            return "still_there"
        if _OPTS_OUT.search(reply):
            return "opted_out"
        if reply.endswith("?"):
            return "reassure" if again else "defer"
        return "again" if again else "acknowledge"

    def call(self, tool: str, arguments: Mapping[str, str]) -> _Actions:
        known = self.tools.get(tool)
        if known is None:
            return
        for slot in arguments.values():
            # "Your name or your account?" may be answered with both.
            step = self.program.asks.get(slot)
            if step is not None and slot not in self.slots and self.program.slot(step).kind:
                self._take(step, step.question)
        if any(arguments.get(name) not in self.slots for name in known.arguments_schema.get("required", ())):
            # The procedure decides what to do without a result; its branches see that there is none.
            return
        filled = {name: _typed(self.slots[slot], known, name) for name, slot in arguments.items() if slot in self.slots}
        if arguments and not filled:
            return
        while (answered := self._answered(tool)) is None:
            yield ChatReply(calls=(ToolRequest(tool, filled),))
        self.passed.clear()
        error = answered.result.get("error") if isinstance(answered.result, Mapping) else None
        if isinstance(error, Mapping):
            self.said.append(_Words("failed", str(error.get("message") or error.get("code"))))
        else:
            self.results[tool] = answered.result
            self._learn(known, answered.result)

    def _look_up(self, slot: str) -> _Actions:
        """Fill the slot of an id with the first of the user's own that the last call can be about."""
        own = [tool for tool in self.tools.values() if tool not in AGENT_TOOLS]
        look_up = look_up_for(slot, own, self.program.steps)
        if look_up is None:
            return
        listing, member, reads, words = look_up
        known = [(lists.name, argument, of) for lists, argument in listing if (of := self._found(argument))]
        if not known:
            return
        lists, argument, self.slots[argument] = known[0]
        yield from self.call(lists, {argument: argument})
        listed = self.results.get(lists)
        ids = listed.get(member) if isinstance(listed, Mapping) else None
        for one in ids[:_LOOKED_UP] if isinstance(ids, list) else []:
            self.slots[slot] = str(one)
            self.results.pop(reads.name, None)
            yield from self.call(reads.name, {slot: slot})
            if words <= telling_words(json.dumps(self.results.get(reads.name))):
                return
            del self.slots[slot]

    def _found(self, argument: str) -> str:
        """The value of a slot, or what a tool such as `find_user_id` found; "" if neither is there."""
        found = (result for name, result in self.results.items() if f"_{argument}" in name and isinstance(result, str))
        return self.slots.get(argument) or next(found, "")

    def _learn(self, tool: Tool, result: Json) -> None:
        """Fill slots that are asked for from a result that names them: a member, or what `find_user_id…` finds."""
        found = result if isinstance(result, Mapping) else {}
        for slot in self.program.empty:
            value = found.get(slot) if found else result if f"_{slot}" in tool.name else None
            if slot not in self.slots and isinstance(value, str | int) and not isinstance(value, bool):
                self.slots[slot] = str(value)

    def _answered(self, tool: str) -> Message | None:
        """The answer to the next call of the tool, or None if there is none; skips the messages before it."""
        for index in range(self.index, len(self.messages)):
            call = self.messages[index].call
            if call is None or call.tool != tool:
                continue
            for later in range(index + 1, len(self.messages)):
                answered = self.messages[later]
                if answered.role == "tool" and answered.call_id == call.id:
                    self.index = later + 1
                    return answered
        return None

    def _say(self, *words: _Words) -> _Actions:
        """Say the words and read the user's reply."""
        while True:
            while self.index < len(self.messages):
                message = self.messages[self.index]
                self.index += 1
                if message.role == "assistant" and message.call is None:
                    self.spoken = message.text
                    self.turns += 1
                    self.said.clear()
                    self.passed.clear()
                    self._listen()
                    return
            *lead, last = words
            yield ChatReply(text=self._in_words(*lead, *self.said, last))

    def _end(self, words: _Words) -> _Actions:
        while True:
            end = ToolRequest(END_CONVERSATION.name, {"text": self._in_words(*self.said, words)})
            yield ChatReply(calls=(end,))

    def _close(self) -> _Actions:
        """After the last step, ask whether the user needs anything else, until they do not."""
        if not self.said:
            self.said.append(_Words("done" if self.results else "polite"))
        for _ in range(_MORE):
            yield from self._say(_Words("more"))
            reply = self._reply()
            if not reply or agrees(reply) is False or _THAT_IS_ALL.search(reply) or _OPTS_OUT.search(reply):
                break
            self.said.append(_Words("unresolved" if reply.endswith("?") else "polite"))
        else:
            self.said.clear()
        yield from self._end(_Words("farewell"))

    def _in_words(self, *words: _Words) -> str:
        """The words as one text; drawn again if the agent said the same just now."""
        said = ""
        for number in range(_TRIES):
            again = f" {number}" if number else ""
            parts = (part for use, text in words for part in (use and self._pick(use, again), text))
            said = " ".join(filter(None, parts))
            if said != self.spoken:
                break
        return said

    def _render(self, template: str) -> str:
        text = self.program.render(template, {**self.slots, RESULTS: self.results})
        return text if text == template else without_gaps(text)

    def _pick(self, use: str, again: str) -> str:
        request, purpose = self.request, f"{use}{again}"
        phrase = pick(self.wording.agent[use], request.seed, request.index, request.seq, purpose)
        return phrase.text(lambda part: draw(request.seed, request.index, request.seq, f"{purpose} / {part}"))


def _typed(value: str, tool: Tool, argument: str) -> Json:
    """A slot's text as the type that the tool's schema requires."""
    schema = tool.arguments_schema.get("properties", {}).get(argument, {})
    match schema.get("type") if isinstance(schema, Mapping) else None:
        case "integer" | "number" as kind:
            digits = re.sub(r"[^\d.-]", "", value)
            try:
                return int(digits) if kind == "integer" else float(digits)
            except ValueError:
                return value
        case "boolean":
            return value.lower() in ("true", "yes", "y")
        case "array":
            return [value]
        case _:
            return value
