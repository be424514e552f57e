"""Parts of an expression that depend on a parent alone: they are computed once for each parent, not for each row."""

from dataclasses import dataclass, replace

from shared.rules.typed import Apply, Column, Constant, Scope, Typed

_STRICT = frozenset(["compare", "member", "matches", "length", "lower", "upper", "not", "year", "month", "day"])
_LOGIC = frozenset(["and", "or"])
"""Operations that can be lifted. Without a parent their result is unknown, if the same is true of their arguments."""


@dataclass(frozen=True, slots=True)
class Lifted:
    """A part as it reads for the rows of the parents that `parents` lead to, from the rows at `scope`."""

    part: Typed
    scope: Scope
    parents: tuple[str, ...]


def lifted(part: Apply) -> Lifted | None:
    """What to compute instead of an operation; None if it cannot be lifted."""
    place = _place(part)
    return Lifted(_below(part), *place) if place else None


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
