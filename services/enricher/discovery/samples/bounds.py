"""What sample rows say of one column: its bounds, its only values, its length and its format.

The least and the greatest value of a sample are no bounds of a column, because further rows exceed them every so often.
A bound is proposed only where values crowd at it.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.enricher.discovery.samples.columns import Column
from services.enricher.discovery.samples.statistics import ENOUGH, FEW
from shared.model.events import Json
from shared.model.packs.model import FieldType

_MOST_VALUES = 30
_EACH = 10
"""A value of an enumeration occurs in at least so many rows: if every value does, unseen ones are rarer still."""
_CROWD = 0.02
"""A bound is the value of at least this share of the rows."""
_FORMATS = {
    "email": re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"),
    "uuid": re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
    "url": re.compile(r"https?://\S+"),
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """What holds in all sample rows and is no coincidence. Members as of `Field`."""

    minimum: Json = None
    exclusive_minimum: bool = False
    maximum: Json = None
    length: int | None = None
    values: tuple[Json, ...] = ()
    format: str = ""
    nullable: bool = True


def bounds_of(column: Column, *, names: bool) -> Bounds:
    """What a column keeps. names: the column only names things, as keys do, so that its numbers have no bounds."""
    nullable = not (column.present.all() and column.rows >= ENOUGH)
    format_ = _format(column)
    if len(column.values) < ENOUGH or names:
        return Bounds(nullable=nullable, format=format_)
    values = _enumeration(column)
    if column.numeric:
        low, exclusive = _least(column)
        return Bounds(low, exclusive, _greatest(column), values=values, nullable=nullable)
    length = None
    if column.type is FieldType.TEXT and not values:
        lengths = {len(text) for text in column.counts[0]}
        length = lengths.pop() if len(lengths) == 1 and len(column.counts[0]) >= FEW else None
    return Bounds(length=length, values=values, format=format_, nullable=nullable)


def json_value(column: Column, value: Any) -> Json:
    """A value of a column as a pack writes it."""
    if column.type is FieldType.NUMBER and column.scale:
        return float(f"{int(value)}e-{column.scale}")
    return str(value) if isinstance(value, str) else int(value)


def _enumeration(column: Column) -> tuple[Json, ...]:
    values, counts = column.counts
    if column.type not in (FieldType.TEXT, FieldType.INTEGER):
        return ()
    if not 2 <= len(values) <= _MOST_VALUES or counts.min() < max(_EACH, len(column.values) * _CROWD):
        return ()
    if column.numeric and len(values) > _MOST_VALUES // 3:
        return ()
    return tuple(json_value(column, value) for value in values)


def _least(column: Column) -> tuple[Json, bool]:
    values, counts = column.counts
    if values[0] < 0:
        return None, False
    one = 10**column.scale
    crowded = counts[0] >= max(_EACH, len(column.values) * _CROWD)
    return 0, bool(0 < values[0] <= one and crowded)


def _greatest(column: Column) -> Json:
    values, counts = column.counts
    crowded = counts[-1] >= max(_EACH, len(column.values) * _CROWD)
    if len(values) < 3 or not crowded or not column.exact or _usual(values, counts):
        return None
    return json_value(column, values[-1])


def _usual(values: Any, counts: Any) -> bool:
    """True if the greatest value is no edge: a sample of few values has a greatest one that occurs often anyhow."""
    return bool(len(values) < _EACH and counts[-1] < np.median(counts))


def _format(column: Column) -> str:
    if column.type is not FieldType.TEXT or len(column.values) < FEW:
        return ""
    return next((name for name, pattern in _FORMATS.items() if all(map(pattern.fullmatch, column.counts[0]))), "")
