"""Conditions of branches: CEL over a procedure's slots and its tools' results, with a boolean result."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.model.events import Json
from shared.model.expressions import OBJECT, TEXT, Expression, Expressions

RESULTS = "results"
"""The name of the tools' last values, by tool, in conditions and templates."""

RESERVED = frozenset(
    f"{RESULTS} true false null in as break const continue else for function if import let loop package".split()
)
"""Names that no slot can have in a condition."""
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition."""

    _expression: Expression

    def holds(self, slots: Mapping[str, str], results: Mapping[str, Json]) -> bool:
        """True if the condition holds.

        False if it names a result that is missing or has another type. Raises TooMuchWork, also if its macros take more
        than 10,000 turns.
        """
        return self._expression.holds({**slots, RESULTS: results})


class Conditions:
    """Compiles conditions over the given slots, each a string, empty until filled. Names that CEL cannot declare are
    left out."""

    def __init__(self, slots: Iterable[str]) -> None:
        names = sorted(slot for slot in set(slots) if _NAME.fullmatch(slot) and slot not in RESERVED)
        self._expressions = Expressions({**dict.fromkeys(names, TEXT), RESULTS: OBJECT}, "condition")

    def compile(self, source: str) -> Condition:
        """Compile a condition.

        Raises BadExpression for bad syntax, an undeclared name, operands of the wrong type, or a result that is not
        boolean.
        """
        return Condition(self._expressions.condition(source))
