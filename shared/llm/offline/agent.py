"""The agent's side: a procedure's steps, played again over the conversation so far until there is something new to do.

Nothing is kept between two calls. What was asked, heard, called and answered is read from the messages, so that a
conversation goes on the same after a crash, in another process, or from a replayed beginning.
"""

import re
from collections import Counter
from collections.abc import Mapping

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


def act(request: ChatRequest, brief: AgentBrief) -> ChatReply:
    """The agent's next action."""
    play = _Play(request)
    if brief.steps:
        program = program_of(brief.steps)
    else:
        program = compile_program(steps_for(request.tools, " ".join(said.text for said in play.heard)))
    return play.run(program)


class _Play:
    """The steps played over the messages: `place` is the next message that no step has taken yet."""

    def __init__(self, request: ChatRequest) -> None:
        self.request = request
        self.messages = request.messages
        self.tools = {tool.name: tool for tool in request.tools}
        self.place = 0
        self.heard: list[Heard] = []
        self.latest = 0
        self.spoken = ""
        self.turns = 0
        self.said: list[str] = []
        self.slots: dict[str, str] = {}
        self.empty: Mapping[str, str] = {}
        self.results: dict[str, Json] = {}
        self.asks: Counter[str] = Counter()
        self.silences: Counter[str] = Counter()
        self._take_opening()

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

    def run(self, program: Program) -> ChatReply:
        """Play until there is something new to do, and do it."""
        self.empty = program.empty
        place = 0
        for _ in range(_STEPS):
            if place >= len(program.steps):
                break
            step = program.steps[place]
            place += 1
            match step:
                case Ask():
                    if (reply := self._ask(step, program.slots[place - 1])) is not None:
                        return reply
                case Call():
                    if (reply := self._call(step)) is not None:
                        return reply
                case Say():
                    self.said.append(self._render(step.text))
                case Branch(_, then, otherwise):
                    condition = program.conditions[place - 1]
                    holds = condition is not None and condition.holds({**self.empty, **self.slots}, self.results)
                    target = then if holds else otherwise
                    place = program.places.get(target, place)
                case End(text):
                    return self._end(self._render(text))
        return self._close()

    def _ask(self, step: Ask, slot: Slot) -> ChatReply | None:
        """Ask until the slot is filled or asking has no use; None to go on."""
        if step.slot in self.slots:
            return None
        question = self._render(step.question)
        while True:
            value = fill(slot, self.heard, question, frozenset(self.slots.values()))
            if value is not None:
                self.slots[step.slot] = value
                return None
            asks, reply = self.asks[step.slot], self._reply()
            if asks >= _ASKS or self.silences[step.slot] >= _ASKS or (asks and step.optional and declines(reply)):
                if asks and not any(phrase in self.said for phrase in wording().agent["without"]):
                    self.said.append(self._pick("without"))
                return None
            if (answer := self._say(self._lead(asks > 0 or self.silences[step.slot] > 0), question)) is not None:
                return answer
            if self._reply():
                self.asks[step.slot] += 1
            else:
                self.silences[step.slot] += 1

    def _lead(self, again: bool) -> str:
        """What a question begins with, by what the user said just now."""
        if self.place < len(self.messages):
            return ""
        reply = self._reply()
        if not self.turns:
            return self._pick("greet")
        if self.said and (not reply or declines(reply)):
            return ""
        if not reply and self.heard:
            return self._pick("still_there")
        if _OPTS_OUT.search(reply):
            return self._pick("opted_out")
        if reply.endswith("?"):
            return self._pick("reassure" if again else "defer")
        return self._pick("again" if again else "acknowledge")

    def _call(self, step: Call) -> ChatReply | None:
        """Call the tool, or take its answer from the messages; None to go on."""
        tool = self.tools.get(step.tool)
        if tool is None:
            return None
        required = tool.arguments_schema.get("required", ())
        if any(step.arguments.get(name) not in self.slots for name in required):
            # What to say then is the procedure's business: a result that is not there is what its branches see.
            return None
        answered = self._answered(step.tool)
        if answered is None:
            arguments = {
                name: _typed(self.slots[slot], tool, name)
                for name, slot in step.arguments.items()
                if slot in self.slots
            }
            return ChatReply(call=ToolRequest(step.tool, arguments))
        error = answered.result.get("error") if isinstance(answered.result, Mapping) else None
        if isinstance(error, Mapping):
            self.said.append(f"{self._pick('failed')} {error.get('message') or error.get('code')}")
        else:
            self.results[step.tool] = answered.result
        return None

    def _answered(self, tool: str) -> Message | None:
        """The tool's answer when the next thing done was this call, else None; other things done are left behind."""
        for place in range(self.place, len(self.messages)):
            message = self.messages[place]
            if message.call is not None and message.call.tool == tool and place + 1 < len(self.messages):
                self.place = place + 2
                return self.messages[place + 1]
        self.place = len(self.messages)
        return None

    def _say(self, *words: str) -> ChatReply | None:
        """Say what is to be said, or take it from the messages and hear the user out; None to go on."""
        while self.place < len(self.messages):
            message = self.messages[self.place]
            self.place += 1
            if message.role == "assistant" and message.call is None:
                self.spoken = message.text
                self.turns += 1
                self.said.clear()
                self._listen()
                return None
        *lead, last = words
        return ChatReply(text=" ".join(filter(None, (*lead, *self.said, last))))

    def _end(self, text: str) -> ChatReply:
        last = " ".join(filter(None, (*self.said, text)))
        return ChatReply(call=ToolRequest(END_CONVERSATION.name, {"text": last}))

    def _close(self) -> ChatReply:
        """After the last step: ask whether there is anything else, until there is not."""
        if not self.said:
            self.said.append(self._pick("done" if self.results else "polite"))
        for _ in range(_MORE):
            if (answer := self._say(self._pick("more"))) is not None:
                return answer
            reply = self._reply()
            if not reply or agrees(reply) is False or _THAT_IS_ALL.search(reply) or _OPTS_OUT.search(reply):
                return self._end(self._pick("farewell"))
            self.said.append(self._pick("unresolved" if reply.endswith("?") else "polite"))
        self.said.clear()
        return self._end(self._pick("farewell"))

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
