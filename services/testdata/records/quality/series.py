"""Columns as numbers or categories, so that they can be counted and compared."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.testdata.records.quality.similarity import Codes, Floats
from services.testdata.records.tables import Column, Numbers, Serials, Texts, Uuids
from shared.model.packs.model import FieldType


def is_numeric(column: Column) -> bool:
    """True for numbers, money and times; False for texts and booleans, whose values are categories."""
    return isinstance(column, Numbers) and column.type is not FieldType.BOOLEAN


def floats(column: Numbers) -> Floats:
    """The values of a numeric column; NaN for null."""
    values = column.values.astype(np.float64)
    return values if column.known is None else np.where(column.known, values, np.nan)


def counts(column: Column) -> Codes:
    """How often each of its different values occurs, nulls left out."""
    known = slice(None) if column.known is None else column.known
    match column:
        case Numbers():
            return np.unique(column.values[known], return_counts=True)[1]
        case Texts():
            used, times = np.unique(column.codes[known], return_counts=True)
            # Two entries of the dictionary may be the same text.
            numbers: dict[str, int] = {}
            alike = [numbers.setdefault(text, len(numbers)) for text in _texts(column, used)]
            return np.bincount(alike, times).astype(np.int64) if alike else times
        case Uuids():
            high, low = column.high[known], column.low[known]
            times = np.unique(high, return_counts=True)[1]
            # Pairs are slow to count, and different random UUIDs differ in the first half.
            return times if len(times) == len(high) else np.unique(np.stack([high, low]), axis=1, return_counts=True)[1]
        case Serials():
            return np.unique(column.numbers[known], return_counts=True)[1]


def labels(column: Column) -> tuple[Codes, Sequence[str]]:
    """The category of each value, and the text of each category; the first is that of nulls. Several may be alike."""
    match column:
        case Numbers():
            used, found = np.unique(column.values, return_inverse=True)
            texts = [f"{one:.17g}" for one in used.tolist()]
        case Texts():
            used, found = np.unique(column.codes, return_inverse=True)
            texts = _texts(column, used)
        case Uuids() | Serials():
            raise TypeError(column.type)
    found = found.astype(np.int64) + 1
    return (found if column.known is None else np.where(column.known, found, 0)), ["", *texts]


def same_codes(sample: Column, made: Column) -> tuple[Codes, Codes]:
    """The categories of the values of two columns, numbered alike; 0 for null."""
    numbers: dict[str, int] = {}

    def numbered(column: Column) -> Codes:
        found, texts = labels(column)
        return np.asarray([0, *(numbers.setdefault(text, len(numbers) + 1) for text in texts[1:])], np.int64)[found]

    return numbered(sample), numbered(made)


def _texts(column: Texts, numbers: NDArray[Any]) -> list[str]:
    """The texts of these numbers."""
    data, starts = column.strings.blob.tobytes(), column.strings.starts.tolist()
    return [data[starts[number] : starts[number + 1]].decode() for number in numbers.tolist()]
