"""Tables from records as JSON has them: a row with its children in lists and its parents in objects."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from itertools import accumulate
from math import isfinite
from typing import Any

import numpy as np

from shared.model.events import Json
from shared.rules.kernels.value import LOWEST
from shared.rules.literals import stored
from shared.rules.schema import Kind, Schema, Type
from shared.rules.syntax import LARGEST, Duration
from shared.rules.tables import Children, Column, Parents, Table, text_column

Records = Sequence[Mapping[str, Json]]
Paths = Sequence[tuple[str, ...]]
_DURATION = re.compile(r"(\d{1,9}) (week|day|hour|minute|second)s?")


class BadRecord(ValueError):
    """A value of a record is not of its column's type; the message is one sentence with its place."""


def table_of(schema: Schema, entity: str, records: Records, columns: Iterable[tuple[str, ...]]) -> Table:
    """Records of an entity as a table. A missing member is null, and missing children are none.

    columns: those that the table shall have, as `columns_of` says them of a rule.
    Money is an integer of minor units, a moment is text as in ISO 8601 (a datetime without an offset is in UTC), a
    duration is text such as `3 days`. Raises BadRecord.
    """
    of = schema.entities[entity]
    below: dict[str, list[tuple[str, ...]]] = {}
    for first, *rest in columns:
        below.setdefault(first, []).append(tuple(rest))
    return Table(
        len(records),
        {name: _column(entity, name, of.columns[name], records) for name in below if name in of.columns},
        {
            name: _children(schema, of.children[name], name, records, below[name])
            for name in below
            if name in of.children
        },
        {name: _parents(schema, of.parents[name], name, records, below[name]) for name in below if name in of.parents},
    )


def _children(
    schema: Schema, entity: str, name: str, records: Sequence[Mapping[str, Json]], columns: Paths
) -> Children:
    lists = [record.get(name) or [] for record in records]
    if not all(isinstance(some, list) and all(isinstance(one, Mapping) for one in some) for some in lists):
        raise BadRecord(f"`{name}` must be a list of records of `{entity}`.")
    offsets = np.array([0, *accumulate(map(len, lists))], np.int64)
    return Children(table_of(schema, entity, [one for some in lists for one in some], filter(None, columns)), offsets)


def _parents(schema: Schema, entity: str, name: str, records: Records, columns: Paths) -> Parents:
    found = [record.get(name) for record in records]
    if not all(one is None or isinstance(one, Mapping) for one in found):
        raise BadRecord(f"`{name}` must be a record of `{entity}`.")
    known = np.array([one is not None for one in found], np.bool_)
    rows = np.where(known, np.cumsum(known) - 1, -1).astype(np.int64)
    return Parents(table_of(schema, entity, [one for one in found if one is not None], columns), rows)


def _column(entity: str, name: str, type_: Type, records: Records) -> Column:
    values: list[Any] = []
    read = _READ[Kind.INTEGER if type_.kind is Kind.IDENTIFIER and type_.integer else type_.kind]
    for row, record in enumerate(records):
        value = record.get(name)
        try:
            values.append(None if value is None else read(value))
        except (TypeError, ValueError, OverflowError):
            shown = repr(value) if len(repr(value)) < 50 else f"{repr(value)[:50]}…"
            raise BadRecord(f"`{name}` of `{entity}` {row + 1} is {shown}, which is no {type_}.") from None
    if type_.textual:
        return text_column(values)
    known = np.array([value is not None for value in values], np.bool_)
    kind = {Kind.NUMBER: np.float64, Kind.BOOLEAN: np.bool_, Kind.JSON: np.bool_}.get(type_.kind, np.int64)
    return Column(np.array([value or 0 for value in values], kind), None if known.all() else known)


def _only(*kinds: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise TypeError
        return value

    return read


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise TypeError
    if not LOWEST <= value <= LARGEST:
        raise OverflowError
    return int(value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise TypeError
    return float(value)


def _datetime(value: Any) -> Any:
    read = datetime.fromisoformat(value)
    return stored(read if read.tzinfo else read.replace(tzinfo=UTC))


def _time(value: Any) -> Any:
    read = time.fromisoformat(value)
    if read.tzinfo:
        raise ValueError
    return stored(read)


def _duration(value: Any) -> Any:
    found = _DURATION.fullmatch(value)
    if not found:
        raise ValueError
    duration = Duration(int(found[1]), found[2])
    if duration.microseconds > LARGEST:
        raise OverflowError
    return duration.microseconds


_READ: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: _only(str),
    Kind.IDENTIFIER: _only(str),
    Kind.INTEGER: _integer,
    Kind.NUMBER: _number,
    Kind.BOOLEAN: _only(bool),
    Kind.MONEY: _integer,
    Kind.DATE: lambda value: stored(date.fromisoformat(value)),
    Kind.DATETIME: _datetime,
    Kind.TIME: _time,
    Kind.DURATION: _duration,
    Kind.JSON: bool,
}
