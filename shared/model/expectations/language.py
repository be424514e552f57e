"""CEL in expectations: over the transcript, or over the arguments of a call."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from shared.errors import Violation
from shared.model.events import Json
from shared.model.expectations.base import CheckContext
from shared.model.expectations.seen import Seen
from shared.model.expressions import (
    COUNTS,
    INT,
    OBJECT,
    OBJECTS,
    TEXT,
    TEXTS,
    BadExpression,
    Expression,
    Expressions,
)
from shared.yaml import near


@dataclass(frozen=True, slots=True)
class _Name:
    """A name in conditions: its type in CEL, and its value."""

    type: Any
    of: Callable[[Seen], Json]


_NAMES: Mapping[str, _Name] = {
    "turns": _Name(INT, lambda seen: seen.turns),
    "outcome": _Name(TEXT, lambda seen: seen.outcome),
    "reason": _Name(TEXT, lambda seen: seen.reason),
    "repeats": _Name(INT, lambda seen: seen.repeats),
    "tool_errors": _Name(INT, lambda seen: len(seen.failed_calls)),
    "calls": _Name(OBJECTS, lambda seen: seen.call_objects),
    "counts": _Name(COUNTS, lambda seen: seen.counts),
    "changes": _Name(OBJECT, lambda seen: seen.changed_fields),
    "said": _Name(TEXTS, lambda seen: [text for _, text in seen.said]),
    "heard": _Name(TEXTS, lambda seen: list(seen.heard)),
    "exchanges": _Name(OBJECTS, lambda seen: seen.exchange_objects),
}
_TRANSCRIPT = Expressions({name: one.type for name, one in _NAMES.items()}, "condition")
_ARGUMENTS = Expressions({"arguments": OBJECT}, "condition")
_COUNTED = re.compile(r"\bcounts\s*\[\s*(['\"])(.*?)\1\s*\]")


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition over the transcript. names: those that it uses; tools: those whose counts it names."""

    _expression: Expression
    names: tuple[str, ...]
    tools: frozenset[str]

    def value(self, seen: Seen) -> Json:
        """Its value. Raises ExpressionFailed if it names what is missing; TooMuchWork."""
        return self._expression.value(self._data(seen))

    def holds(self, seen: Seen) -> bool:
        """True if it holds; False if it has no value. Raises TooMuchWork."""
        return self._expression.holds(self._data(seen))

    def _data(self, seen: Seen) -> dict[str, Json]:
        data = {name: _NAMES[name].of(seen) for name in self.names}
        if self.tools:
            data["counts"] = {**dict.fromkeys(self.tools, 0), **seen.counts}
        return data


@lru_cache(maxsize=1024)
def condition(source: str) -> Condition:
    """Compile a condition over the transcript. Raises BadExpression."""
    expression = _TRANSCRIPT.condition(source)
    members = {path[1] for path in expression.paths if path[0] == "counts" and len(path) > 1}
    names = sorted({path[0] for path in expression.paths} & {*_NAMES})
    return Condition(expression, tuple(names), frozenset(members | {found[2] for found in _COUNTED.finditer(source)}))


@lru_cache(maxsize=1024)
def where(source: str) -> Expression:
    """Compile a condition over the arguments of a call. Raises BadExpression."""
    return _ARGUMENTS.condition(source)


def check_condition(source: str, field: str, context: CheckContext) -> Iterator[Violation]:
    """What is wrong with a condition over the transcript."""
    try:
        compiled = condition(source)
    except BadExpression as bad:
        yield Violation(field, str(bad))
        return
    for tool in sorted(compiled.tools):
        yield from check_tool(tool, field, context)


def check_tool(tool: str, field: str, context: CheckContext) -> Iterator[Violation]:
    """What is wrong with the name of a tool."""
    if context.tools is not None and tool not in context.tools:
        yield Violation(field, f"The procedure has no tool `{tool}`{near(tool, context.tools)}.")


def check_argument(tool: str, argument: str, field: str, context: CheckContext) -> Iterator[Violation]:
    """What is wrong with the name of an argument."""
    schema = (context.tools or {}).get(tool)
    properties: Json = schema.get("properties") if schema else None
    if isinstance(properties, Mapping) and properties and argument not in properties:
        yield Violation(field, f"The tool `{tool}` takes no argument `{argument}`{near(argument, properties)}.")
