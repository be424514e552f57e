"""Observes conversations one after the other, in memory that does not grow with their number."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from services.synthesizer.inference.commonest import Commonest
from services.synthesizer.inference.steps import Orders
from services.synthesizer.inference.values import Room, Values
from services.synthesizer.personas.generation.measuring import measure
from shared.llm.briefs import Measured
from shared.model.calls import Calls
from shared.model.events import Event, Json, ToolAnswer, ToolCall, ToolResult
from shared.model.steps import Tool

MOST_TOOLS = 100
"""The most tools of a revision."""
_MOST_PLACES, _PLACES_OF_A_TOOL = 20_000, 2_000
_MOST_INSTRUCTIONS, _MOST_OFFERS = 20, 5
_MOST_ANSWERS, _LONGEST_ANSWER = 20, 4_096
_MOST_MEASURED = 2_000


@dataclass(slots=True)
class Observed:
    """What was seen of a tool.

    room: how many places of arguments and results can still be kept.
    last: the number of the newest conversation with a call.
    length, longest: characters of the results, as JSON, in that conversation, and at most in one.
    accepted: the arguments of calls that did not fail.
    unknown: how many calls failed with an error that names the tool.
    answers: the short ones, as JSON. offers: the tool as conversations offer it, as JSON.
    """

    room: Room
    calls: int = 0
    conversations: int = 0
    last: int = -1
    answered: int = 0
    unknown: int = 0
    length: int = 0
    longest: int = 0
    arguments: Values = field(default_factory=Values)
    results: Values = field(default_factory=Values)
    accepted: set[str] = field(default_factory=set)
    answers: Commonest = field(default_factory=lambda: Commonest(_MOST_ANSWERS))
    offers: Commonest = field(default_factory=lambda: Commonest(_MOST_OFFERS))

    def called(self, call: ToolCall, answer: ToolAnswer | None, conversation: int) -> None:
        """Observe a call and its answer, if it has one."""
        self.calls += 1
        if self.last != conversation:
            self.conversations += 1
            self.last, self.length = conversation, 0
        self.arguments.add(call.arguments, conversation, self.room)
        error = None if answer is None else _error(answer)
        if error is None:
            self.accepted.update(call.arguments.keys() & self.arguments.members.keys())
        elif call.tool in error:
            self.unknown += 1
        if answer is not None and answer.error is None:
            self._answered(answer.value, conversation)

    def _answered(self, value: Json, conversation: int) -> None:
        self.answered += 1
        self.results.add(value, conversation, self.room)
        text = json.dumps(value)
        self.length += len(text)
        self.longest = max(self.longest, self.length)
        if len(text) <= _LONGEST_ANSWER:
            self.answers.add(text)


@dataclass(slots=True)
class Observations:
    """What was seen in the conversations so far.

    measured: how many customers write alike. more_tools: True if there are tools beyond MOST_TOOLS.
    """

    conversations: int = 0
    instructions: Commonest = field(default_factory=lambda: Commonest(_MOST_INSTRUCTIONS))
    tools: dict[str, Observed] = field(default_factory=dict)
    more_tools: bool = False
    measured: Counter[Measured] = field(default_factory=Counter)
    orders: Orders = field(default_factory=Orders)
    room: Room = field(default_factory=lambda: Room(_MOST_PLACES))

    def add(self, events: Sequence[Event], instructions: str, offers: Iterable[Tool]) -> None:
        """Observe a conversation, and the instructions and tools that its agent had."""
        number = self.conversations
        self.conversations += 1
        if instructions.strip():
            self.instructions.add(instructions)
        for tool in offers:
            if (observed := self._tool(tool.name)) is not None:
                observed.offers.add(json.dumps([tool.description, tool.arguments_schema]))
        for call, answer in _calls(events):
            if (observed := self._tool(call.tool)) is not None:
                observed.called(call, answer, number)
        self.orders.add(events)
        writes = measure("", events)
        if writes is not None and (writes in self.measured or len(self.measured) < _MOST_MEASURED):
            self.measured[writes] += 1

    def _tool(self, name: str) -> Observed | None:
        if name not in self.tools and len(self.tools) == MOST_TOOLS:
            self.more_tools = True
            return None
        return self.tools.setdefault(name, Observed(Room(_PLACES_OF_A_TOOL, self.room)))


def _error(answer: ToolAnswer) -> str | None:
    """What an answer says of a call that failed; None if it did not fail."""
    match answer.value:
        case str(text) if text.lstrip().casefold().startswith("error"):
            return text
        case {"error": error} if error:
            return json.dumps(error)
        case _:
            return None if answer.error is None else answer.error.message


def _calls(events: Sequence[Event]) -> list[tuple[ToolCall, ToolAnswer | None]]:
    """The calls in their order, each with its answer if it has one."""
    calls, answers, made = Calls(), dict[int, ToolAnswer](), list[ToolCall]()
    for event in events:
        match event.body:
            case ToolCall() as call:
                calls.add(call)
                made.append(call)
            case ToolResult(call_id, tool, answer) if (answered := calls.answered(call_id, tool)) is not None:
                answers[id(answered)] = answer
            case _:
                pass
    return [(call, answers.get(id(call))) for call in made]
