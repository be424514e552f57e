"""The agent's side: a procedure's steps, played over the conversation so far until there is something new to do.

What was asked, heard, called and answered is read from the messages, so that a conversation goes on the same after a
crash, in another process, or from a replayed beginning. A play that waits for what comes next is kept, and goes on if
that is what comes: it then does what a play from the beginning would do.
"""

import re
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from typing import NamedTuple

from shared.kept import Kept
from shared.llm.base import END_CONVERSATION, SILENCE, AgentBrief, ChatReply, ChatRequest, Message, ToolRequest
from shared.llm.offline.program import Program, compile_program, program_of, steps_for
from shared.llm.offline.slots import Heard, Slot, agrees, declines, fill
from shared.llm.offline.wording import wording
from shared.model.conditions import RESULTS
from shared.model.draws import pick
from shared.model.events import Json
from shared.model.steps import Ask, Branch, Call, End, Say, Tool
from shared.model.templates import BadTemplate, render

_ASKS = 2
"""How often a slot is asked for and answered; a user who stays silent is asked as often again."""
_MORE = 3
"""How often the agent asks whether there is anything else."""
_STEPS = 1_000
"""Steps after which a procedure that goes in a circle is taken to be at its end."""

_OPTS_OUT = re.compile(r"\b(?:stop|unsubscribe|opt out|take me off|do not contact)\b", re.IGNORECASE)
_THAT_IS_ALL = re.compile(
    r"\b(?:that(?:'?s| is| was| will be|'?ll be) (?:all|it|everything)|nothing|no more|all set|bye|goodbye|take care|"
    r"thanks?|thank you|cheers|i'?m (?:good|fine|done)|nope?|nah)\b",
    re.IGNORECASE,
)


_PLAYS = 256
"""How many plays are kept; more conversations than these at once are played from their beginnings."""


class Plays:
    """The procedures that are being played; the last ones are kept between two calls."""

    def __init__(self) -> None:
        self._kept: Kept[int, _Play] = Kept(_PLAYS)

    def act(self, request: ChatRequest, brief: AgentBrief) -> ChatReply:
        """The agent's next action."""
        messages = request.messages
        # A conversation's messages are the same objects at each call; a play holds its own, so no id is used twice.
        play = self._kept.get(id(messages[0])) if messages else None
        if play is None or not play.goes_on_in(messages):
            play = _Play(request, brief)
            if play.heard:
                self._kept.put(id(messages[0]), play)
        return play.next(request)


class _Words(NamedTuple):
    """What is to be said: a phrase for a use, then a text; either may be empty. The phrase is drawn when it is said."""

    use: str
    text: str = ""


_Doing = Generator[ChatReply, None, None]
"""Yields what is new to do, and goes on once there are more messages."""


class _Play:
    """The steps played over the messages: `place` is the next message that no step has taken yet."""

    def __init__(self, request: ChatRequest, brief: AgentBrief) -> None:
        self.request = request
        self.messages = request.messages
        self.tools = {tool.name: tool for tool in request.tools}
        self.place = 0
        self.heard: list[Heard] = []
        self.latest = 0
        self.spoken = ""
        self.turns = 0
        self.said: list[_Words] = []
        self.slots: dict[str, str] = {}
        self.results: dict[str, Json] = {}
        self.asks: Counter[str] = Counter()
        self.silences: Counter[str] = Counter()
        self._take_opening()
        if brief.steps:
            program = program_of(brief.steps)
        else:
            program = compile_program(steps_for(request.tools, " ".join(said.text for said in self.heard)))
        self.empty = program.empty
        self._doing = self._run(program)

    def goes_on_in(self, messages: Sequence[Message]) -> bool:
        """Whether these are the messages that it knows, and then what it did: the user was heard out before."""
        known = len(self.messages)
        return (
            len(messages) > known
            and messages[known - 1] is self.messages[-1]
            and self.messages[-1].role != "assistant"
            and messages[known].role == "assistant"
        )

    def next(self, request: ChatRequest) -> ChatReply:
        """What is new to do after the request's messages."""
        self.request, self.messages = request, request.messages
        return next(self._doing)

    def _take_opening(self) -> None:
        """What was said before the agent's first action: a greeting that is not its own, and the user's first words."""
        while self.place < len(self.messages) and self.messages[self.place].role != "user":
            self.spoken = self.messages[self.place].text
            self.place += 1
        if self.place == len(self.messages):
            # Only a greeting, or nothing at all: then it is the agent who opens, and all of it is its own.
            self.place, self.spoken = 0, ""
        self._listen()

    def _listen(self) -> None:
        """Take what the user says next."""
        self.latest = len(self.heard)
        while self.place < len(self.messages) and self.messages[self.place].role == "user":
            text = self.messages[self.place].text
            self.heard.append(Heard("" if text == SILENCE else text, self.spoken))
            self.place += 1

    def _reply(self) -> str:
        return " ".join(said.text for said in self.heard[self.latest :]).strip()

    def _run(self, program: Program) -> _Doing:
        """Play the steps, and then the end of the conversation, over and over if need be."""
        place = 0
        for _ in range(_STEPS):
            if place >= len(program.steps):
                break
            step = program.steps[place]
            place += 1
            match step:
                case Ask():
                    yield from self._ask(step, program.slots[place - 1])
                case Call():
                    yield from self._call(step)
                case Say():
                    self.said.append(_Words("", self._render(step.text)))
                case Branch(_, then, otherwise):
                    condition = program.conditions[place - 1]
                    holds = condition is not None and condition.holds({**self.empty, **self.slots}, self.results)
                    target = then if holds else otherwise
                    place = program.places.get(target, place)
                case End(text):
                    yield from self._end(_Words("", self._render(text)))
        yield from self._close()

    def _ask(self, step: Ask, slot: Slot) -> _Doing:
        """Ask until the slot is filled or asking has no use."""
        if step.slot in self.slots:
            return
        question = self._render(step.question)
        while True:
            value = fill(slot, self.heard, question, frozenset(self.slots.values()))
            if value is not None:
                self.slots[step.slot] = value
                return
            asks, reply = self.asks[step.slot], self._reply()
            if asks >= _ASKS or self.silences[step.slot] >= _ASKS or (asks and step.optional and declines(reply)):
                if asks and _Words("without") not in self.said:
                    self.said.append(_Words("without"))
                return
            yield from self._say(_Words(self._lead(asks > 0 or self.silences[step.slot] > 0)), _Words("", question))
            if self._reply():
                self.asks[step.slot] += 1
            else:
                self.silences[step.slot] += 1

    def _lead(self, again: bool) -> str:
        """The use of what a question begins with, by what the user said just now; "" for nothing."""
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

    def _call(self, step: Call) -> _Doing:
        """Call the tool and take its answer."""
        tool = self.tools.get(step.tool)
        if tool is None:
            return
        required = tool.arguments_schema.get("required", ())
        if any(step.arguments.get(name) not in self.slots for name in required):
            # What to say then is the procedure's business: a result that is not there is what its branches see.
            return
        while (answered := self._answered(step.tool)) is None:
            arguments = {
                name: _typed(self.slots[slot], tool, name)
                for name, slot in step.arguments.items()
                if slot in self.slots
            }
            yield ChatReply(call=ToolRequest(step.tool, arguments))
        error = answered.result.get("error") if isinstance(answered.result, Mapping) else None
        if isinstance(error, Mapping):
            self.said.append(_Words("failed", str(error.get("message") or error.get("code"))))
        else:
            self.results[step.tool] = answered.result

    def _answered(self, tool: str) -> Message | None:
        """The tool's answer when the next thing done was this call, else None; other things done are left behind."""
        for place in range(self.place, len(self.messages)):
            message = self.messages[place]
            if message.call is not None and message.call.tool == tool and place + 1 < len(self.messages):
                self.place = place + 2
                return self.messages[place + 1]
        return None

    def _say(self, *words: _Words) -> _Doing:
        """Say what is to be said and hear the user out."""
        while True:
            while self.place < len(self.messages):
                message = self.messages[self.place]
                self.place += 1
                if message.role == "assistant" and message.call is None:
                    self.spoken = message.text
                    self.turns += 1
                    self.said.clear()
                    self._listen()
                    return
            *lead, last = words
            yield ChatReply(text=self._in_words(*lead, *self.said, last))

    def _end(self, words: _Words) -> _Doing:
        while True:
            yield ChatReply(call=ToolRequest(END_CONVERSATION.name, {"text": self._in_words(*self.said, words)}))

    def _close(self) -> _Doing:
        """After the last step: ask whether there is anything else, until there is not."""
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
        """The words as they are said now."""
        parts = (part for use, text in words for part in (use and self._pick(use), text))
        return " ".join(filter(None, parts))

    def _render(self, template: str) -> str:
        try:
            return render(template, {**self.empty, **self.slots, RESULTS: self.results})
        except BadTemplate:
            # It was checked when it was saved, so only its size can be at fault.
            return ""

    def _pick(self, use: str) -> str:
        request = self.request
        return pick(wording().agent[use], request.seed, request.index, request.seq, use)


def _typed(value: str, tool: Tool, argument: str) -> Json:
    """A slot's text as the type that the tool's schema wants."""
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
