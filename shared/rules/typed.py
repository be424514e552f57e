"""Expressions after the check: every part has a type, every name its place, every conversion is written out."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from shared.rules.schema import Type
from shared.rules.syntax import Where

Scope = tuple[str, ...]
"""The names of children that lead from a row to the rows that a part has values for; () for the row itself."""
FoldKind = Literal["sum", "any", "all", "count", "min", "max"]


@dataclass(frozen=True, slots=True)
class Constant:
    """A value as it is stored: minor units, days or microseconds since 1970, microseconds of a duration or a day."""

    value: int | float | bool | str | None
    type: Type
    where: Where
    scope: Scope = ()


@dataclass(frozen=True, slots=True)
class Given:
    """A parameter."""

    name: str
    type: Type
    where: Where
    scope: Scope = ()


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the rows at `scope`, or of their parents. name: "" for the rows themselves, which are counted."""

    scope: Scope
    parents: tuple[str, ...]
    name: str
    type: Type
    where: Where


@dataclass(frozen=True, slots=True)
class Spread:
    """The values of rows, repeated for each of their children at `scope`."""

    operand: "Typed"
    scope: Scope
    type: Type
    where: Where


@dataclass(frozen=True)
class Apply:
    """An operation of shared/rules/kernels on values of the same rows. detail: what else it needs to know."""

    operation: str
    arguments: tuple["Typed", ...]
    type: Type
    where: Where
    scope: Scope
    detail: Any = None

    @cached_property
    def lifted(self) -> "Lifted | None":
        """What to compute instead, if it depends on a parent alone: once for each parent, not for each row."""
        place = _place(self)
        return Lifted(_below(self), *place) if place else None


@dataclass(frozen=True, slots=True)
class Fold:
    """The values of children, folded into one for each row at `scope`."""

    fold: FoldKind
    argument: "Typed"
    scope: Scope
    type: Type
    where: Where


Typed = Constant | Given | Column | Spread | Apply | Fold


@dataclass(frozen=True, slots=True)
class Lifted:
    """A part as it reads for the rows of the parents that `parents` lead to, from the rows at `scope`."""

    part: Typed
    scope: Scope
    parents: tuple[str, ...]


_STRICT = frozenset(["compare", "member", "matches", "length", "lower", "upper", "not", "year", "month", "day"])
_LOGIC = frozenset(["and", "or"])
"""Operations that can be lifted. Without a parent their result is unknown, if the same is true of their arguments."""


def _place(part: Typed) -> tuple[Scope, tuple[str, ...]] | None:
    """The one place that all columns of a part are at; None if it cannot be lifted."""
    if isinstance(part, Column):
        return (part.scope, part.parents) if part.parents else None
    if not isinstance(part, Apply) or part.operation not in _STRICT | _LOGIC:
        return None
    some = [one for one in part.arguments if part.operation in _LOGIC or not isinstance(one, Constant)]
    places = {_place(one) for one in some}
    return places.pop() if len(places) == 1 else None


def _below(part: Typed) -> Typed:
    """The part for the rows of the parents."""
    if isinstance(part, Column):
        return replace(part, scope=(), parents=())
    if isinstance(part, Apply):
        return replace(part, scope=(), arguments=tuple(_below(one) for one in part.arguments))
    return part


def every_typed(typed: Typed) -> Iterator[Typed]:
    """The expression and all its parts."""
    rest = [typed]
    while rest:
        part = rest.pop()
        yield part
        match part:
            case Spread():
                rest.append(part.operand)
            case Apply():
                rest += part.arguments
            case Fold():
                rest.append(part.argument)
            case _:
                pass


def spread(part: Typed, scope: Scope) -> Typed:
    """The part with a value for each row at `scope`, which is below its own. Constants have one value for all."""
    if part.scope == scope or isinstance(part, Constant | Given):
        return part
    return Spread(part, scope, part.type, part.where)


def applied(operation: str, arguments: tuple[Typed, ...], type_: Type, where: Where, detail: Any = None) -> Apply:
    """The operation on arguments, spread to the rows of the one that is farthest from the rule's row."""
    scope = max((argument.scope for argument in arguments), key=len)
    return Apply(operation, tuple(spread(argument, scope) for argument in arguments), type_, where, scope, detail)
