"""CEL in expectations: over the transcript, or over the arguments of a call."""

import re
from collections.abc import Iterator, Mapping
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

_NAMES: Mapping[str, Any] = {
    "turns": INT,
    "outcome": TEXT,
    "reason": TEXT,
    "repeats": INT,
    "tool_errors": INT,
    "calls": OBJECTS,
    "counts": COUNTS,
    "changes": OBJECT,
    "said": TEXTS,
    "heard": TEXTS,
}
_TRANSCRIPT = Expressions(_NAMES, "condition")
_ARGUMENTS = Expressions({"arguments": OBJECT}, "condition")
_COUNTED = re.compile(r"\bcounts\s*\[\s*(['\"])(.*?)\1\s*\]")


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition over the transcript. tools: those whose counts it names."""

    _expression: Expression
    tools: frozenset[str]

    def value(self, seen: Seen) -> Json:
        """Its value. Raises ExpressionFailed if it names what is missing; TooMuchWork."""
        names = seen.names(dict.fromkeys(self.tools, 0))
        return self._expression.value({name: names[name]() for name in self._used})

    def holds(self, seen: Seen) -> bool:
        """True if it holds; False if it has no value. Raises TooMuchWork."""
        names = seen.names(dict.fromkeys(self.tools, 0))
        return self._expression.holds({name: names[name]() for name in self._used})

    @property
    def _used(self) -> list[str]:
        return [name for name in {path[0] for path in self._expression.paths} if name in _NAMES]


@lru_cache(maxsize=1024)
def condition(source: str) -> Condition:
    """Compile a condition over the transcript. Raises BadExpression."""
    expression = _TRANSCRIPT.condition(source)
    members = {path[1] for path in expression.paths if path[0] == "counts" and len(path) > 1}
    return Condition(expression, frozenset(members | {found[2] for found in _COUNTED.finditer(source)}))


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
