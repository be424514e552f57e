"""Evaluates checked rules over tables: every operation works on the columns of some thousand rows at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.model.work_budget import spend
from shared.rules.checker import Compiled
from shared.rules.kernels import KERNELS
from shared.rules.kernels.folds import Groups, folded
from shared.rules.kernels.value import Known, Run, Value, both
from shared.rules.literals import stored
from shared.rules.problems import Problem, place
from shared.rules.schema import Kind, Type
from shared.rules.syntax import Value as Written
from shared.rules.tables import Array, Column, Table, Texts
from shared.rules.typed import Apply, Constant, Fold, Given, Lifted, Scope, Spread, Typed
from shared.rules.typed import Column as TypedColumn

CHUNK = 1 << 18
"""Rows that are evaluated at once, so that what is computed mostly stays in the processor's caches."""
_ROWS_A_UNIT = 500
"""Rows that one operation takes in a unit of the work budget."""


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """For each row whether a rule holds.

    held: False also where that is not known. known: False where it is neither held nor violated.
    too_large: parts whose result is beyond 64 bits in some rows, where it is unknown.
    """

    held: NDArray[np.bool_]
    known: NDArray[np.bool_]
    too_large: tuple[Problem, ...] = ()

    @property
    def violated(self) -> NDArray[np.bool_]:
        return self.known & ~self.held


def evaluate(rule: Compiled, table: Table, parameters: Mapping[str, Written] | None = None) -> Held:
    """Say for each row whether the rule holds. parameters: a value, or None for null, for each that the rule reads.

    Raises KeyError if the table lacks a column or a parameter that the rule reads; TooMuchWork.
    """
    column, too_large = compute(rule, table, parameters)
    known = np.ones(table.rows, np.bool_) if column.known is None else column.known
    return Held(column.values, known, too_large)


def compute(
    expression: Compiled, table: Table, parameters: Mapping[str, Written] | None = None
) -> tuple[Column, tuple[Problem, ...]]:
    """The value of the expression for each row, and its parts whose result was too large. Raises like `evaluate`."""
    evaluation = _Evaluation(parameters or {})
    widest = max(_rows(table, scope) for scope in expression.scopes)
    step = max(1, CHUNK * table.rows // max(widest, 1))
    starts = range(0, table.rows, step) if table.rows else [0]
    values = [evaluation.chunk(expression, table, start, min(start + step, table.rows)) for start in starts]
    known = None if all(one.known is None for one in values) else np.concatenate([_all_known(one) for one in values])
    column = Column(np.concatenate([one.values for one in values]), known, values[0].texts)
    return column, tuple(_problem(expression.source, part, rows) for part, rows in evaluation.run.lost.items() if rows)


def values_of(part: Typed, table: Table) -> Column:
    """The values of a part of an expression for all rows at its scope. A constant has one for each row of the table."""
    evaluation = _Evaluation({})
    chunk = _Chunk({(): _Rows(table, 0, table.rows)})
    rows = chunk.at(part.scope)
    with np.errstate(all="ignore"):
        value = _for_all(evaluation.value(part, chunk), rows.stop - rows.start)
    return Column(value.values, value.known, value.texts)


def _all_known(value: Value) -> NDArray[np.bool_]:
    return np.ones(len(value.values), np.bool_) if value.known is None else value.known


def _rows(table: Table, scope: Scope) -> int:
    for name in scope:
        table = table.children[name].table
    return table.rows


def _problem(source: str, part: Apply | Fold, rows: int) -> Problem:
    text = " ".join(source[slice(*part.where)].split())
    sentence = f"`{text}` is too large for 64 bits in {rows} {'row' if rows == 1 else 'rows'}, where it is unknown."
    return Problem(*place(source, part.where[0]), sentence)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Some rows of a table: from, to."""

    table: Table
    start: int
    stop: int

    @property
    def slice(self) -> slice:
        return slice(self.start, self.stop)


@dataclass(slots=True)
class _Chunk:
    """Some rows of the rule's entity, with their children. rows: of each scope that was asked for."""

    rows: dict[Scope, _Rows]
    groups: dict[tuple[Scope, Scope], Groups] = field(default_factory=dict)

    def at(self, scope: Scope) -> _Rows:
        """The rows at a scope."""
        if scope not in self.rows:
            above = self.at(scope[:-1])
            children = above.table.children[scope[-1]]
            start, stop = int(children.offsets[above.start]), int(children.offsets[above.stop])
            self.rows[scope] = _Rows(children.table, start, stop)
        return self.rows[scope]

    def children(self, outer: Scope, inner: Scope) -> Groups:
        """The children at `inner` of the rows at `outer`."""
        if (outer, inner) not in self.groups:
            above = self.at(outer)
            table = above.table.children[inner[len(outer)]].table
            offsets = above.table.children[inner[len(outer)]].offsets[above.start : above.stop + 1]
            for name in inner[len(outer) + 1 :]:
                offsets = table.children[name].offsets[offsets]
                table = table.children[name].table
            self.groups[outer, inner] = Groups(offsets - offsets[0])
        return self.groups[outer, inner]


class _Evaluation:
    """Evaluates one expression."""

    def __init__(self, parameters: Mapping[str, Written]) -> None:
        self.run = Run()
        self._parameters = parameters

    def chunk(self, expression: Compiled, table: Table, start: int, stop: int) -> Value:
        """The values of the expression for some rows, as many as those."""
        chunk = _Chunk({(): _Rows(table, start, stop)})
        sizes = ((chunk.at(scope), parts) for scope, parts in expression.scopes.items())
        spend(1 + sum((rows.stop - rows.start) * parts for rows, parts in sizes) // _ROWS_A_UNIT)
        with np.errstate(all="ignore"):
            return _for_all(self.value(expression.typed, chunk), stop - start)

    def value(self, part: Typed, chunk: _Chunk) -> Value:
        """The values of a part for the rows of a chunk; one if it has the same for all."""
        match part:
            case Constant():
                return self.run.once(id(part), lambda: _constant(part.value, part.type))
            case Given():
                given = stored(self._parameters[part.name])
                return self.run.once((part.name,), lambda: _constant(given, part.type))
            case TypedColumn():
                return _column(part, chunk.at(part.scope))
            case Spread():
                value = self.value(part.operand, chunk)
                return _repeated(value, chunk.children(part.operand.scope, part.scope).counts)
            case Apply():
                if part.lifted and (of_parents := self._of_parents(part.lifted, chunk)):
                    return of_parents
                return KERNELS[part.operation](self.run, part, [self.value(one, chunk) for one in part.arguments])
            case Fold():
                inner = part.argument.scope
                groups = chunk.children(part.scope, inner)
                if isinstance(part.argument, TypedColumn) and not part.argument.name:
                    return Value(groups.counts)
                each = _for_all(self.value(part.argument, chunk), int(groups.offsets[-1]))
                return folded(self.run, part, each, groups)

    def _of_parents(self, through: Lifted, chunk: _Chunk) -> Value | None:
        """The value of a part that depends on parents alone; None if there are more of them than rows."""
        rows = chunk.at(through.scope)
        table, places, known = _parents(rows, through.parents)
        if table.rows > rows.table.rows or not table.rows:
            return None
        value = self.run.once(
            ("parents", id(through)),
            lambda: _for_all(self.value(through.part, _Chunk({(): _Rows(table, 0, table.rows)})), table.rows),
        )
        known = known if value.known is None else both(known, value.known[places])
        values = value.values[places]
        boolean = through.part.type.kind is Kind.BOOLEAN and known is not None
        return Value(values & known if boolean else values, known, value.texts)


def _constant(value: int | float | bool | str | None, type_: Type) -> Value:
    known = None if value is not None else np.zeros(1, np.bool_)
    if type_.textual:
        return Value(np.zeros(1, np.int64), known, Texts((str(value or ""),)))
    return Value(np.array([value or 0], _stored_as(type_)), known)


def _stored_as(type_: Type) -> type[np.generic]:
    if type_.kind in (Kind.BOOLEAN, Kind.JSON):
        return np.bool_
    return np.float64 if type_.kind is Kind.NUMBER else np.int64


def _column(part: TypedColumn, rows: _Rows) -> Value:
    """The values of a column, by way of the rows' parents."""
    if not part.parents:
        column = rows.table.columns[part.name]
        known = None if column.known is None else column.known[rows.slice]
        look = partial(column.bounds, rows.start, rows.stop)
        return _read(part.type, column.values[rows.slice], known, column.texts, look)
    table, places, known = _parents(rows, part.parents)
    if not table.rows:
        return _repeated(_constant(None, part.type), rows.stop - rows.start)
    column = table.columns[part.name]
    known = known if column.known is None else both(known, column.known[places])
    look = partial(column.bounds, 0, table.rows)
    return _read(part.type, column.values[places], known, column.texts, look)


def _parents(rows: _Rows, names: tuple[str, ...]) -> tuple[Table, Array, NDArray[np.bool_] | None]:
    """The table of the rows' parents, their places in it (0 if there is none), and where there is one."""
    table, places, known = rows.table, np.arange(0), None
    for hop, name in enumerate(names):
        parents = table.parents[name]
        if not parents.table.rows:
            return parents.table, places, known
        places = parents.rows[places] if hop else parents.rows[rows.slice]
        if not parents.all_known:
            known = both(known, places >= 0)
            places = np.maximum(places, 0)
        table = parents.table
    return table, places, known


def _read(type_: Type, values: Array, known: Known, texts: Texts | None, look: Callable[[], tuple[Any, Any]]) -> Value:
    if texts is not None:
        return Value(values, known, texts)
    if type_.kind in (Kind.BOOLEAN, Kind.JSON):
        return Value(values if known is None else values & known, known)
    return Value(values.astype(_stored_as(type_), copy=False), known, look=look)


def _repeated(value: Value, times: Array | int) -> Value:
    """Each value as often as its row has children. One value for all rows stays one."""
    size = max(len(value.values), 0 if value.known is None else len(value.known))
    if size == 1 and not isinstance(times, int) and len(times) != 1:
        return value
    value = _for_all(value, size)
    known, denominator = value.known, value.denominator
    return replace(
        value,
        values=np.repeat(value.values, times),
        known=None if known is None else np.repeat(known, times),
        denominator=None if denominator is None else np.repeat(np.broadcast_to(denominator, size), times),
    )


def _for_all(value: Value, rows: int) -> Value:
    """The values with one for each row."""
    known = value.known
    if len(value.values) == rows and (known is None or len(known) == rows):
        return value
    known = None if known is None else np.broadcast_to(known, rows)
    return replace(value, values=np.broadcast_to(value.values, rows), known=known)
