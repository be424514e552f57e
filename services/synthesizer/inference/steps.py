"""Infers the steps of a procedure, where the conversations show one order of the tools and what is asked for them."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from services.synthesizer.inference.commonest import Commonest
from services.synthesizer.inference.model import Support
from services.synthesizer.inference.values import Values, is_word
from shared.model.events import AgentMessage, Event, Json, ToolCall, UserMessage
from shared.model.steps import Ask, Call, Schema, Step, Tool

_FEWEST = 5
"""The fewest conversations that take all steps."""
_SAID = 0.9
"""The least share of an argument's values that customers said before the call."""
_FEWEST_ASKED = 3
"""The fewest conversations with a question that is used as it is."""
_MOST_ORDERS, _LONGEST_ORDER = 20, 20
_MOST_STEPS, _MOST_TAKEN = 200, 50
"""The most steps of a revision, and arguments of a call."""
_MOST_ARGUMENTS = 200
_MOST_QUESTIONS, _LONGEST_QUESTION = 20, 200


@dataclass(slots=True)
class Argument:
    """Where an argument of a tool comes from.

    said: how many values customers said. questions: what the agent asked before they did.
    """

    said: int = 0
    questions: Commonest = field(default_factory=lambda: Commonest(_MOST_QUESTIONS))


@dataclass(slots=True)
class Orders:
    """The order in which the conversations call tools.

    orders: the tools that each conversation calls, in order, as JSON. arguments: those that customers said.
    differing: names of arguments that have two values in one conversation.
    """

    orders: Commonest = field(default_factory=lambda: Commonest(_MOST_ORDERS))
    arguments: dict[tuple[str, str], Argument] = field(default_factory=dict)
    differing: set[str] = field(default_factory=set)

    def add(self, events: Sequence[Event]) -> None:
        """Observe a conversation."""
        tools = [tool for tool, _ in groupby(one.body.tool for one in events if isinstance(one.body, ToolCall))]
        self.orders.add(json.dumps(tools[:_LONGEST_ORDER]))
        question, answers = "", list[tuple[str, str]]()  # what the customer said, each after what the agent said
        values: dict[str, Json] = {}
        for event in events:
            match event.body:
                case AgentMessage(text):
                    question = text
                case UserMessage(text):
                    answers.append((question, text.casefold()))
                case ToolCall(_, tool, arguments):
                    for name, value in arguments.items():
                        self._argument(tool, name, value, answers)
                        if values.setdefault(name, value) != value and len(self.differing) < _MOST_ARGUMENTS:
                            self.differing.add(name)
                case _:
                    pass

    def _argument(self, tool: str, name: str, value: Json, answers: Sequence[tuple[str, str]]) -> None:
        if value is None or isinstance(value, bool | dict | list) or not (wanted := str(value).casefold()):
            return
        asked = next((asked for asked, answer in answers if wanted in answer), None)
        if asked is None or len(self.arguments) == _MOST_ARGUMENTS:
            return
        argument = self.arguments.setdefault((tool, name), Argument())
        argument.said += 1
        if asked.rstrip().endswith("?") and len(asked) <= _LONGEST_QUESTION and "{" not in asked:
            argument.questions.add(asked)

    def one(self) -> tuple[list[str], Support] | None:
        """The order that more than half of the conversations take to its end, and all others leave early, if any."""
        best, records = self.orders.best()
        order, others = json.loads(best or "[]"), map(json.loads, self.orders.counts)
        whole = sum(self.orders.counts.values()) == self.orders.total and len(set(order)) == len(order)
        if records < max(_FEWEST, self.orders.total // 2 + 1) or not whole:
            return None
        leaves_early = all(order[: len(other)] == other for other in others)
        return (order, Support(records, self.orders.total)) if order and leaves_early else None


def steps_in(order: Sequence[str], seen: Orders, tools: Mapping[str, tuple[Tool, Values]]) -> tuple[Step, ...] | None:
    """Steps that ask for what each tool takes and call it; None if that is not always what the customer said.

    tools: each with its recorded arguments.
    """
    steps = list[Step]()
    filled: dict[str, str] = {}  # by slot, the argument
    for name in order:
        tool, recorded = tools[name]
        taken = [one for one, values in recorded.members.items() if values.count == recorded.count]
        if len(taken) > _MOST_TAKEN:
            return None
        for argument in taken:
            ask = _ask(name, argument, tool, recorded.members[argument], seen)
            if ask is None or (ask.slot in filled and (filled[ask.slot] != argument or argument in seen.differing)):
                return None
            if ask.slot not in filled:
                steps.append(ask)
                filled[ask.slot] = argument
        steps.append(Call(tool=name, arguments={argument: _slot(argument) for argument in taken}))
    return tuple(steps) if len(steps) <= _MOST_STEPS else None


def _ask(name: str, argument: str, tool: Tool, values: Values, seen: Orders) -> Ask | None:
    schema: Schema = tool.arguments_schema.get("properties", {}).get(argument, {})
    known = seen.arguments.get((name, argument), Argument())
    if known.said < _SAID * values.count:
        constant = _constant(values)
        return None if constant is None else Ask(slot=_slot(argument), question=_question(argument), schema=constant)
    question, records = known.questions.best()
    text = question if records >= _FEWEST_ASKED else _question(argument)
    return Ask(slot=_slot(argument), question=text, schema=schema)


def _constant(values: Values) -> Schema | None:
    """The schema of the only value, if it is a word; an address or an id may be a pseudonym."""
    texts = list(values.texts or ())
    return {"const": texts[0]} if len(texts) == 1 and values.types.keys() == {"string"} and is_word(texts[0]) else None


def _question(argument: str) -> str:
    spoken = re.sub(r"[\W_]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", argument)).strip().lower()
    return f"Could you tell me the {spoken}, please?"


def _slot(argument: str) -> str:
    """The slot of an argument. A slot is a small letter, and then small letters, digits and `_`."""
    word = re.sub(r"[^a-z0-9_]", "_", argument.lower())[:60]
    return word if word[:1].isalpha() else f"the_{word}"
