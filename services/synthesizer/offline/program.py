"""Prepares a procedure's steps for playing: slots, conditions and templates are compiled once per procedure."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from services.synthesizer.offline.kinds import asked_kinds, telling_words
from services.synthesizer.offline.slots import Slot, slot_of
from shared.llm.builtin_tools import AGENT_TOOLS
from shared.model.conditions import Condition, Conditions
from shared.model.events import Json
from shared.model.expressions import BadExpression
from shared.model.steps import Ask, Branch, Call, Schema, Step, Tool
from shared.model.templates import Template
from shared.words import any_of

_READS = re.compile(r"(?:get|find|list|search|check|look|show|read|fetch|query)(?![a-z])", re.IGNORECASE)
"""Matches the names of tools that change nothing."""
_PERSONAL = frozenset(("email", "name", "zip", "phone", "username"))
_READ = 3
"""The most tools that read for one request."""
_CHOICES = re.compile(r"'([^']{2,40})'")
_FOUND, _AFTER, _CONFIRMED = "found", "after-", "confirmed"


class Program:
    """The steps of a procedure.

    index: from a step's id to its index in `steps`. asks: the last step that asks for each slot.
    spoken: the questions, in whose language the agent speaks. empty: every slot, unfilled.
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = steps
        self.index: Mapping[str, int] = {step.id: number for number, step in enumerate(steps) if step.id}
        self.asks: Mapping[str, Ask] = {step.slot: step for step in steps if isinstance(step, Ask)}
        self.spoken = " ".join(step.question for step in steps if isinstance(step, Ask))
        self.empty: Mapping[str, str] = dict.fromkeys((slot for step in steps for slot in step.fills), "")
        self._compiler = Conditions(self.empty)
        self._slots: dict[int, Slot] = {}
        self._conditions: dict[str, Condition | None] = {}
        self._templates: dict[str, Template] = {}

    def slot(self, step: Ask) -> Slot:
        """The slot that one of the steps asks for."""
        if id(step) not in self._slots:
            self._slots[id(step)] = slot_of(step)
        return self._slots[id(step)]

    def holds(self, condition: str, slots: Mapping[str, str], results: Mapping[str, Json]) -> bool:
        """True if the condition holds. An invalid one never does; no READY procedure has any."""
        if condition not in self._conditions:
            try:
                self._conditions[condition] = self._compiler.compile(condition)
            except BadExpression:
                self._conditions[condition] = None
        compiled = self._conditions[condition]
        return compiled is not None and compiled.holds({**self.empty, **slots}, results)

    def render(self, template: str, values: Mapping[str, Json]) -> str:
        """The template filled in. Raises BadTemplate, TooMuchWork."""
        if template not in self._templates:
            self._templates[template] = Template(template)
        return self._templates[template].render({**self.empty, **values})


def steps_for(tools: Sequence[Tool], request: str, instructions: str = "") -> tuple[Step, ...]:
    """Steps for a procedure that has only instructions: find the user, read what the request names, then do it.

    Called are the tools that look a user up by what people know of themselves, the tools that read and share words with
    the request, and the one other tool that shares most. It is confirmed first if the instructions speak of that.
    """
    own = [tool for tool in tools if tool not in AGENT_TOOLS]
    fits = {tool.name: fit for tool in own if (fit := _fit(tool, own, request))}
    finds = [tool for tool in own if _finds_user(tool)]
    reads = [tool for tool in own if tool.name in fits and tool not in finds and _READS.match(tool.name)]
    does = [tool for tool in own if tool.name in fits and tool not in finds and tool not in reads]
    chosen = max(does, key=lambda tool: fits[tool.name], default=None)
    draft: list[Step] = []
    for tool in finds:
        draft += [*_called(tool, draft), Branch(f"{tool.name!r} in results", _FOUND)]
    draft += [Branch("false", _FOUND, id=_FOUND)] if finds else []
    for tool in sorted(reads, key=lambda tool: -fits[tool.name])[:_READ]:
        draft += _called(tool, draft)
    if chosen is not None:
        draft += _called(chosen, draft, confirms="confirm" in instructions.lower())
    return tuple(draft)


def _fit(tool: Tool, tools: Sequence[Tool], request: str) -> float:
    """How well a tool fits the request: the words they share, each divided among the tools that have it."""
    wanted = telling_words(request)
    shared = wanted & _words(tool)
    of_name = telling_words(_spoken(tool.name))
    return sum((2 if word in of_name else 1) / sum(word in _words(other) for other in tools) for word in shared)


def _words(tool: Tool) -> frozenset[str]:
    return telling_words(f"{_spoken(tool.name)} {tool.description}")


def _finds_user(tool: Tool) -> bool:
    """True if the tool looks something up by what people know of themselves."""
    kinds = [asked_kinds(_spoken(name)) for name in _arguments(tool)]
    return _READS.match(tool.name) is not None and bool(kinds) and all(set(each) & _PERSONAL for each in kinds)


def _arguments(tool: Tool) -> list[str]:
    """The required arguments, or all if none is."""
    properties = tool.arguments_schema.get("properties", {})
    return [name for name in properties if name in tool.arguments_schema.get("required", ())] or list(properties)


def _called(tool: Tool, before: Sequence[Step], confirms: bool = False) -> list[Step]:
    """The questions for a tool's arguments that no step before asks for, and the call."""
    properties, required = tool.arguments_schema.get("properties", {}), tool.arguments_schema.get("required", ())
    asked = {step.slot for step in before if isinstance(step, Ask)}
    slots = {name: re.sub(r"\W", "_", name.lower()) for name in _arguments(tool)}
    steps: list[Step] = []
    for name, slot in slots.items():
        if slot not in asked:
            schema = _with_choices(properties[name] if isinstance(properties[name], Mapping) else {})
            optional = name not in required or _finds_user(tool)
            steps.append(Ask(slot, _question(name, schema), schema, optional=optional))
            asked.add(slot)
    if confirms:
        after = f"{_AFTER}{tool.name}"
        question = f"May I go ahead and {_spoken(tool.name)}?"
        missing = " || ".join(f"{slot} == ''" for name, slot in slots.items() if name in required)
        steps += [Branch(missing, after)] if missing else []
        steps += [Ask(_CONFIRMED, question, {"enum": ["yes", "no"]}), Branch(f"{_CONFIRMED} != 'yes'", after)]
        return [*steps, Call(tool.name, slots), Branch("false", after, id=after)]
    return [*steps, Call(tool.name, slots)]


def _spoken(name: str) -> str:
    return re.sub(r"[_.-]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)).lower()


def _question(name: str, schema: Mapping[str, object]) -> str:
    options = schema.get("enum")
    listed = f": {any_of(map(str, options))}" if isinstance(options, list) else ", please"
    return f"Could you tell me the {_spoken(name)}{listed}?"


def _with_choices(schema: Schema) -> Schema:
    """The schema; as `enum` what its description puts in quotes as the only values, as in "either 'a' or 'b'"."""
    described = str(schema.get("description", ""))
    choices = _CHOICES.findall(described) if "either" in described else []
    return {**schema, "enum": choices} if len(choices) > 1 and "enum" not in schema else schema


class LookUp(NamedTuple):
    """How the agent finds an id that its user does not know: it lists the user's own and reads one after the other.

    lists: (tool, argument) of those that take another id. member: of their results, a list of ids.
    reads: the tool that takes one of them. words: all are in what is read of the one that is meant.
    """

    lists: Sequence[tuple[Tool, str]]
    member: str
    reads: Tool
    words: frozenset[str]


def look_up_for(slot: str, tools: Sequence[Tool], steps: Sequence[Step]) -> LookUp | None:
    """How to find the id of the last call: `get_user_details` has `orders`, and `get_order_details` takes one."""
    noun, _, end = slot.rpartition("_")
    calls = [step for step in steps if isinstance(step, Call)]
    if end != "id" or not noun or not calls or slot not in calls[-1].arguments.values():
        return None
    single = [(tool, _arguments(tool)) for tool in tools if _READS.match(tool.name)]
    reads = next((tool for tool, arguments in single if arguments == [slot]), None)
    lists = [(tool, arguments[0]) for tool, arguments in single if len(arguments) == 1 and arguments[0] != slot]
    lists = [(tool, argument) for tool, argument in lists if argument.endswith("_id") and noun not in tool.name]
    if reads is None or not lists:
        return None
    _, _, rest = _spoken(calls[-1].tool).partition(" ")
    return LookUp(lists, f"{noun}s", reads, telling_words(rest) - telling_words(f"{noun} {noun}s"))
