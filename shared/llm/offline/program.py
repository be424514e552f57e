"""A procedure's steps made ready to run: targets resolved, slots and conditions compiled once a procedure."""

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.llm.base import END_CONVERSATION
from shared.llm.offline.kinds import telling_words
from shared.llm.offline.slots import Slot, slot_of
from shared.model.conditions import BadCondition, Condition, compile_condition
from shared.model.steps import Ask, Branch, Call, Step, Tool

_KEPT = 512
"""How many programs are kept; a batch has a handful."""


@dataclass(frozen=True, slots=True)
class Program:
    """Steps, and beside each by its place: the slot of a question, the condition of a branch; places by id.

    empty: every slot, unfilled.
    """

    steps: Sequence[Step]
    slots: Mapping[int, Slot]
    conditions: Mapping[int, Condition | None]
    places: Mapping[str, int]
    empty: Mapping[str, str]


_programs: "OrderedDict[int, tuple[Sequence[Step], Program]]" = OrderedDict()


def program_of(steps: Sequence[Step]) -> Program:
    """The program of these steps; the same object's is kept."""
    kept = _programs.get(id(steps))
    # The steps are kept beside it, so that no other object can have their id meanwhile.
    if kept is None:
        kept = (steps, compile_program(steps))
        _programs[id(steps)] = kept
        if len(_programs) > _KEPT:
            _programs.popitem(last=False)
    return kept[1]


def compile_program(steps: Sequence[Step]) -> Program:
    """Make the steps ready. A condition that cannot be used, which no READY procedure has, never holds."""
    names = [step.slot for step in steps if isinstance(step, Ask)]
    conditions: dict[int, Condition | None] = {}
    for place, step in enumerate(steps):
        if isinstance(step, Branch):
            try:
                conditions[place] = compile_condition(step.condition, names)
            except BadCondition:
                conditions[place] = None
    return Program(
        steps=steps,
        slots={place: slot_of(step) for place, step in enumerate(steps) if isinstance(step, Ask)},
        conditions=conditions,
        places={step.id: place for place, step in enumerate(steps) if step.id},
        empty=dict.fromkeys(names, ""),
    )


def steps_for(tools: Sequence[Tool], request: str) -> tuple[Step, ...]:
    """What to do with instructions only: call the tools that the request speaks of, each after its questions."""
    wanted = telling_words(request)
    steps: list[Step] = []
    asked: set[str] = set()
    for tool in tools:
        if tool.name == END_CONVERSATION.name or not wanted & telling_words(f"{_spoken(tool.name)} {tool.description}"):
            continue
        properties = tool.arguments_schema.get("properties", {})
        required = tool.arguments_schema.get("required", [])
        arguments = [name for name in properties if name in required] or list(properties)
        slots = {name: re.sub(r"\W", "_", name.lower()) for name in arguments}
        for name, slot in slots.items():
            if slot not in asked:
                schema = properties[name] if isinstance(properties[name], Mapping) else {}
                steps.append(Ask(slot, _question(name, schema), schema, optional=name not in required))
                asked.add(slot)
        steps.append(Call(tool.name, slots))
    return tuple(steps)


def _spoken(name: str) -> str:
    return re.sub(r"[_.-]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)).lower()


def _question(name: str, schema: Mapping[str, object]) -> str:
    options = schema.get("enum")
    listed = f" ({', '.join(map(str, options))})" if isinstance(options, list) else ""
    return f"Could you tell me the {_spoken(name)}{listed}, please?"
