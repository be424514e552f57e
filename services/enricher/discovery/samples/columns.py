"""Columns of sample rows with a type, as arrays."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.model.packs.model import FieldType

_INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,17})")
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d{0,14})\.\d{1,12}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DATETIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?")
_MAX_SCALE = 6
_LARGEST = 2**53
"""Whole numbers up to this are exact as the numbers of rules."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, eq=False)
class Column:
    """A column. values: its present values: whole numbers (numbers times 10^scale, days, microseconds), or texts.

    present: for each row, whether it has a value. None in `values` never occurs.
    exact: the values are those of the sample; numbers finer than 10^-6 are rounded, and can then only be ordered.
    """

    name: str
    type: FieldType
    present: NDArray[np.bool_]
    values: NDArray[Any]
    scale: int = 0
    exact: bool = True

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.present)

    @cached_property
    def counts(self) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """The distinct values in their order, and how often each occurs."""
        values, counts = np.unique(self.values, return_counts=True)
        return values, counts.astype(np.int64)

    @property
    def numeric(self) -> bool:
        """True if its values are numbers that can be computed with."""
        return self.type in (FieldType.INTEGER, FieldType.NUMBER)

    @cached_property
    def full(self) -> NDArray[np.int64]:
        """A value for every row; 0 where none is. Only of columns whose values are whole numbers."""
        full = np.zeros(self.rows, np.int64)
        full[self.present] = self.values
        return full


def column(name: str, cells: Sequence[object], type_: FieldType) -> Column | None:
    """The column of these cells. type_: what is declared, or inferred.

    None if the cells are not of the declared type.
    """
    present = np.fromiter((cell is not None for cell in cells), np.bool_, len(cells))
    given = [cell for cell in cells if cell is not None]
    try:
        values, scale, exact = _values(type_, given)
    except (ValueError, TypeError, OverflowError, InvalidOperation):
        return None
    return Column(name, type_, present, values, scale, exact)


def inferred(cells: Sequence[object], *, typed: bool) -> FieldType:
    """The narrowest type that all present cells have; text if there are none. typed: a text is no number."""
    kinds = {type(cell) for cell in cells if cell is not None}
    if not kinds:
        return FieldType.TEXT
    if kinds <= {bool}:
        return FieldType.BOOLEAN
    if kinds <= {int}:
        return FieldType.INTEGER
    if kinds <= {int, float, Decimal}:
        return FieldType.NUMBER
    if kinds <= {datetime}:
        return FieldType.DATETIME
    if kinds <= {date}:
        return FieldType.DATE
    if kinds <= {time}:
        return FieldType.TIME
    if kinds != {str}:
        return FieldType.JSON
    return _of_texts([str(cell) for cell in cells if cell is not None], typed=typed)


def _of_texts(texts: Sequence[str], *, typed: bool) -> FieldType:
    if all(map(_DATE.fullmatch, texts)) and _are_dates(texts):
        return FieldType.DATE
    if all(map(_DATETIME.fullmatch, texts)):
        return FieldType.DATETIME
    if typed:
        return FieldType.TEXT
    if all(map(_INTEGER.fullmatch, texts)):
        return FieldType.INTEGER
    if all(_INTEGER.fullmatch(text) or _DECIMAL.fullmatch(text) for text in texts):
        return FieldType.NUMBER
    return FieldType.BOOLEAN if {text.lower() for text in texts} <= {"true", "false"} else FieldType.TEXT


def _are_dates(texts: Sequence[str]) -> bool:
    try:
        return all(date.fromisoformat(text) for text in texts)
    except ValueError:
        return False


def _values(type_: FieldType, cells: Sequence[Any]) -> tuple[NDArray[Any], int, bool]:
    """The values, their scale, and whether they are exact. Raises ValueError and the like for another type."""
    if type_ is FieldType.NUMBER:
        return _numbers(cells)
    if read := _READ.get(type_):
        return np.array([read(cell) for cell in cells], np.int64), 0, True
    shown = repr if type_ is FieldType.JSON else str
    return np.array([shown(cell) for cell in cells], object), 0, True


def _numbers(cells: Sequence[Any]) -> tuple[NDArray[np.int64], int, bool]:
    """Numbers as whole ones of the finest decimal that occurs, rounded to 10^-6. Raises ValueError."""
    given = [cell if isinstance(cell, Decimal) else Decimal(str(cell)) for cell in cells]
    scale = 0
    for number in given:
        exponent = number.normalize().as_tuple().exponent
        if not isinstance(exponent, int):
            raise ValueError("a number is infinite or none")
        scale = max(scale, -exponent)
    exact, scale = scale <= _MAX_SCALE, min(scale, _MAX_SCALE)
    values = [int(number.scaleb(scale).to_integral_value()) for number in given]
    if any(abs(value) > _LARGEST for value in values):
        raise ValueError("numbers are too large to be exact")
    return np.array(values, np.int64), scale, exact


def _whole(cell: Any) -> int:
    number = int(cell)
    if isinstance(cell, bool) or number != (Decimal(cell) if isinstance(cell, str) else cell) or abs(number) > _LARGEST:
        raise ValueError(cell)
    return number


def _flag(cell: Any) -> int:
    if isinstance(cell, str) and cell.lower() in ("t", "f", "true", "false", "1", "0"):
        return int(cell.lower() in ("t", "true", "1"))
    if cell in (0, 1):
        return int(cell)
    raise ValueError(cell)


def _day(cell: Any) -> int:
    day = cell if isinstance(cell, date) else date.fromisoformat(str(cell)[:10])
    return (day - _EPOCH.date()).days


def _moment(cell: Any) -> int:
    if isinstance(cell, datetime):
        moment = cell
    else:
        # `2021/1/5` and `2021-1-5`, which SQL reads too.
        year, month, rest = re.split(r"[-/]", str(cell), maxsplit=2)
        day, _, clock = rest.replace("T", " ").partition(" ")
        moment = datetime.fromisoformat(f"{int(year):04}-{int(month):02}-{int(day):02}T{clock or '00:00'}")
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    gone = moment - _EPOCH
    return gone.days * 86_400_000_000 + gone.seconds * 1_000_000 + gone.microseconds


_READ = {
    FieldType.INTEGER: _whole,
    FieldType.BOOLEAN: _flag,
    FieldType.DATE: _day,
    FieldType.DATETIME: _moment,
}
