"""Functions that expressions have beside CEL's own: `matches` by RE2, sum, round, sort, index_of, find,
merge and calculate."""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cel_expr_python import cel  # type: ignore[import-untyped]

from shared.model.events import Json
from shared.model.work_budget import spend
from shared.model.world import merged
from shared.patterns import BadPattern, compile_pattern

_ARITHMETIC: Mapping[type, Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}
_LONGEST_ARITHMETIC = 500

_TEXT, _INT, _DOUBLE = cel.Type.STRING, cel.Type.INT, cel.Type.DOUBLE
_LIST, _OBJECT = cel.Type.List(cel.Type.DYN), cel.Type.Map(cel.Type.STRING, cel.Type.DYN)

OUR_MATCHES = "re_find"
"""The name of our `matches` in compiled expressions; it has the same length, so that columns in errors are right."""


def _matches(text: str, pattern: str) -> bool:
    """CEL's own `matches` holds the interpreter lock for as long as a match takes."""
    spend(40)
    try:
        return compile_pattern(pattern).find(text) is not None
    except BadPattern as bad:
        raise ValueError(str(bad)) from None


def _sum(numbers: list[Json]) -> float:
    spend(len(numbers))
    return float(sum(map(_number, numbers)))


def _round(number: Json, digits: int) -> float:
    return float(round(_number(number), digits))


def _sort(texts: list[Json]) -> list[Json]:
    spend(len(texts))
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("sort needs a list of texts")
    return sorted(texts)


def _index_of(items: list[Json], item: Json) -> int:
    spend(len(items))
    return items.index(item) if item in items else -1


def _find(objects: list[Json], member: str, value: Json) -> Json:
    spend(2 * _parts(objects))
    return next((one for one in objects if isinstance(one, dict) and member in one and one[member] == value), None)


def _merge(target: dict[str, Json], patch: dict[str, Json]) -> Json:
    spend(10 + 2 * (_parts(target) + _parts(patch)))
    return merged(target, patch)


def _calculate(text: str) -> float:
    """The value of a text such as `2 * (3 + 4)`. It is parsed by Python's grammar, and nothing of it is run."""
    spend(40 + len(text))
    try:
        if len(text) > _LONGEST_ARITHMETIC:
            raise ArithmeticError
        return _calculated(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ArithmeticError, RecursionError, MemoryError):
        raise ValueError("calculate needs numbers, + - * / and parentheses") from None


def _calculated(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return float(value)
        case ast.UnaryOp(op, operand) if type(op) in _ARITHMETIC:
            return _ARITHMETIC[type(op)](_calculated(operand))
        case ast.BinOp(left, op, right) if type(op) in _ARITHMETIC:
            return _ARITHMETIC[type(op)](_calculated(left), _calculated(right))
        case _:
            raise ArithmeticError


def _parts(value: Json) -> int:
    """The number of parts of a value, each of which CEL converts for a call."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(_parts, inner))


def _number(value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a number is needed")
    return value


def _declared(
    name: str, does: Callable[..., Any], result: Any, *parameters: Sequence[Any], member: bool = False
) -> Any:
    """A function with one overload for each list of types. member: it may also be called as a.name(b)."""
    overloads = [
        cel.Overload(
            id=f"{name}_{number}_{is_member}",
            return_type=result,
            parameters=list(types),
            is_member=is_member,
            impl=does,
        )
        for number, types in enumerate(parameters)
        for is_member in {False, member}
    ]
    return cel.FunctionDecl(name, overloads)


# CEL chooses overloads by the types of the values, so a number has one for each of its types.
FUNCTIONS = [
    _declared(OUR_MATCHES, _matches, cel.Type.BOOL, [_TEXT, _TEXT], member=True),
    _declared("sum", _sum, _DOUBLE, [_LIST]),
    _declared("round", _round, _DOUBLE, [_DOUBLE, _INT], [_INT, _INT]),
    _declared("sort", _sort, _LIST, [_LIST]),
    _declared("index_of", _index_of, _INT, [_LIST, _TEXT], [_LIST, _INT], [_LIST, _DOUBLE]),
    _declared("find", _find, cel.Type.DYN, *([_LIST, _TEXT, value] for value in (_TEXT, _INT, _DOUBLE))),
    _declared("calculate", _calculate, _DOUBLE, [_TEXT]),
    _declared("merge", _merge, _OBJECT, [_OBJECT, _OBJECT]),
]
"""docs/tools.md describes them."""

COLLECTING = frozenset(["sum", "sort", "index_of", "find", "merge"])
"""Those that take collections, which are converted for each call."""
