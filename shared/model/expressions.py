"""CEL expressions within the work budget: declared names, and a JSON value as the result."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cel_expr_python import cel  # type: ignore[import-untyped]

from shared.model.events import Json
from shared.model.functions import COLLECTING, FUNCTIONS, OUR_MATCHES
from shared.model.json_values import NotJson, json_value
from shared.model.work_budget import TooMuchWork, spend, spend_call, work_budget
from shared.words import all_of

TEXT = cel.Type.STRING
ANYTHING = cel.Type.DYN
OBJECT = cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
INT = cel.Type.INT
NUMBER = cel.Type.DOUBLE
TRUTH = cel.Type.BOOL
TEXTS = cel.Type.List(cel.Type.STRING)
OBJECTS = cel.Type.List(cel.Type.DYN)
COUNTS = cel.Type.Map(cel.Type.STRING, cel.Type.INT)
"""The types of declared names."""


class BadExpression(ValueError):
    """The expression cannot be used; the message is one sentence that says why."""


class ExpressionFailed(ValueError):
    """The expression has no value for this data; the message is CEL's, such as `Key not found in map : "name"`."""


_TOKENS = re.compile(
    r"(?P<text>[rRbB]{0,2}(\"{3}|'{3}|\"|')(?:\\.|(?!\2).)*\2)|(?P<word>[A-Za-z_]\w*)|[^\s\w]|\d+", re.DOTALL
)
_MACROS = frozenset(["all", "exists", "exists_one", "filter", "map"])
_BUILDERS = frozenset(["filter", "map"])
_MAX_TURNS = 10_000
"""CEL's own bound on the turns of all macros in one evaluation."""


@dataclass(frozen=True, slots=True)
class _Shape:
    """Properties of an expression that bound its work.

    wide: the number of operators that may compare whole collections. depth: the nesting of macros. longest: the most
    items that a list in the source can have. builders: of each macro that makes a list, in how many macros it is.
    calls: the same of each call of a function of ours that takes a collection.
    """

    tokens: int
    additions: int
    wide: int
    depth: int
    longest: int
    builders: tuple[int, ...]
    calls: tuple[int, ...]

    def work(self, data: Mapping[str, Any]) -> int:
        """An upper bound in units: each token runs once per turn, on texts and collections as large as all the data."""
        characters, parts, widest = _measure(data)
        growth = 1 + self.additions
        width = growth * max(widest, self.longest)

        def turns(depth: int) -> int:
            return min(int(width**depth), _MAX_TURNS)

        a_turn = self.tokens * (1 + growth * characters // 2_000) + self.wide * growth * parts // 2
        if not self.depth and not self.calls:
            return 20 + parts // 2 + a_turn // 10
        # CEL copies a list for each item that a macro adds to it.
        built = sum(turns(depth + 1) for depth in self.builders) * width // 25
        called = sum(turns(depth) for depth in self.calls) * growth * parts // 2
        return 20 + parts // 2 + turns(self.depth) * a_turn // 10 + built + called


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression.

    boolean: True if its result is true or false. paths: its names with the members that follow, as ("args", "order").
    names: the declared names among them; a declared name may have points.
    """

    _compiled: Any
    _shape: _Shape
    boolean: bool
    paths: frozenset[tuple[str, ...]]
    names: frozenset[str]

    def value(self, data: Mapping[str, Any]) -> Json:
        """The value for this data, which has every declared name.

        Raises ExpressionFailed if it names what is missing, has operands of the wrong type or a result that is no JSON;
        TooMuchWork, also if its macros take more than 10,000 turns.
        """
        with work_budget():
            # What the expression does not name is not converted for CEL, and does not count.
            used = {name: data[name] for name in self.names if name in data}
            spend_call(self._shape.work(used))
            try:
                found = self._compiled.eval(data=used)
                if found.type() == cel.Type.ERROR:
                    raise _failure(str(found.value()))
                value = found.plain_value()
                return value if isinstance(value, bool) else json_value(value)
            except RuntimeError as error:
                raise _failure(str(error)) from None
            except NotJson as error:
                raise ExpressionFailed(str(error)) from None
            finally:
                spend(0)  # CEL hides a TooMuchWork that `matches` raised

    def holds(self, data: Mapping[str, Any]) -> bool:
        """True if the value for this data is true; False if it is not, or if there is none. Raises TooMuchWork."""
        try:
            return self.value(data) is True
        except ExpressionFailed:
            return False


def _failure(message: str) -> Exception:
    if "Iteration budget exceeded" in message:
        return TooMuchWork()
    return ExpressionFailed(message.partition(": ")[2] or message)


_ERROR = re.compile(r"(?:[A-Z_]+: )?(?:ERROR: <input>:)?(?:(\d+:\d+): |-1:-1: )?(.*?)\.*(?: \[[A-Z_]+\])?")
"""The first line of an error of the compiler: (line and column, or None; what is wrong)."""


class Expressions:
    """Compiles expressions over declared names. what: what a sentence calls them."""

    def __init__(self, names: Mapping[str, Any], what: str = "expression") -> None:
        self._names = names
        self._what = what

    @cached_property
    def _environment(self) -> cel.Env:
        return cel.NewEnv(variables=dict(self._names), functions=FUNCTIONS)

    def compile(self, source: str) -> Expression:
        """Compile an expression. Raises BadExpression for bad syntax, undeclared names and operands of a wrong type."""
        try:
            compiled = self._environment.compile(_with_our_matches(source))
            boolean = compiled.return_type() == cel.Type.BOOL  # raises for `{null: 1}`
        except RuntimeError as error:
            raise BadExpression(self._sentence(str(error))) from None
        paths = _paths(source)
        names = {".".join(path[:length]) for path in paths for length in range(1, len(path) + 1)}
        return Expression(compiled, _shape(source), boolean, paths, frozenset(names & self._names.keys()))

    def condition(self, source: str) -> Expression:
        """Compile an expression whose result is true or false. Raises BadExpression."""
        expression = self.compile(source)
        if not expression.boolean:
            kind = expression._compiled.return_type().name().lower()
            raise BadExpression(
                f"The {self._what}'s result is {kind} where it must be bool; compare it, as in `… == true`."
            )
        return expression

    def _sentence(self, message: str) -> str:
        """The first error of the compiler, without the excerpt of the source."""
        error = message.replace(OUR_MATCHES, "matches").replace(" (in container '')", "").split("\n")[0]
        position, what = _ERROR.fullmatch(error).groups()  # type: ignore[union-attr]  # it matches any line
        known = all_of(self._names)
        hint = f"; declared are {known}" if "undeclared reference" in what else ""
        return f"The {self._what} is not valid CEL{(position and f' at {position}') or ''}: {what}{hint}."


def _paths(source: str) -> frozenset[tuple[str, ...]]:
    """The names in an expression with the members that follow each, such as ("args", "order")."""
    found = set()
    path: list[str] = []
    before = ""
    for token in [*_TOKENS.finditer(source), None]:
        text = token[0] if token else ""
        if token and token["word"] and path and before == ".":
            path.append(text)
        elif not (text == "." and path):
            if text == "(":
                path[-1:] = []  # the name of a function or of a method
            found.add(tuple(path))
            path = [text] if token and token["word"] and before != "." else []
        before = text
    return frozenset(path for path in found if path)


def _with_our_matches(source: str) -> str:
    return _TOKENS.sub(lambda token: OUR_MATCHES if token["word"] == "matches" else token[0], source)


def _shape(source: str) -> _Shape:
    tokens = [("text" if token["text"] else token[0]) for token in _TOKENS.finditer(source)]
    opened: list[bool] = []
    deepest = 0
    builders, calls = [], []
    for before, here in zip(["", *tokens], tokens, strict=False):
        if here == "(":
            if before in _BUILDERS:
                builders.append(sum(opened))
            elif before in COLLECTING:
                calls.append(sum(opened))
            opened.append(before in _MACROS)
            deepest = max(deepest, sum(opened))
        elif here == ")" and opened:
            opened.pop()
    longest = tokens.count(",") + 1
    return _Shape(len(tokens), tokens.count("+"), _wide(tokens), deepest, longest, tuple(builders), tuple(calls))


def _wide(tokens: list[str]) -> int:
    """How many operators may compare whole collections: `in`, and `==` and `!=` with a literal on neither side."""
    sides = [
        (before, after)
        for before, first, second, after in zip(["", *tokens], tokens, tokens[1:], tokens[2:], strict=False)
        if first in "=!" and second == "="
    ]
    return tokens.count("in") + sum(not (_is_literal(before) or _is_literal(after)) for before, after in sides)


def _is_literal(token: str) -> bool:
    return token in ("text", "true", "false", "null", "-") or token.isdigit()


def _measure(data: Mapping[str, Any]) -> tuple[int, int, int]:
    """The characters of all texts in the data, its parts, and the length of its widest collection."""
    characters = parts = widest = 0
    rest: list[Any] = [data]
    while rest:
        value = rest.pop()
        parts += 1
        if isinstance(value, str):
            characters += len(value)
        elif isinstance(value, Mapping):
            widest = max(widest, len(value))
            rest += value.values()
        elif isinstance(value, list | tuple):
            widest = max(widest, len(value))
            rest += value
    return characters, parts, widest
