"""Convert columns of any Arrow type to the numbers and texts that learning needs. Invalid values are marked."""

import math
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Marks = npt.NDArray[np.bool_]

LEAST_TIME, MOST_TIME = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The years 1 to 9999, in Unix microseconds."""

_TIME = pa.timestamp("us", "UTC")


def texts(column: pa.Array) -> tuple[pa.Array, Marks]:
    """Strings, plain or dictionary-encoded, and marks of invalid ones. Raises ArrowInvalid for types without texts."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        values, bad = texts(column.dictionary)
        if not bad.any() and values.null_count == 0 and column.null_count == 0:
            return pa.DictionaryArray.from_arrays(column.indices, values), np.zeros(len(column), np.bool_)
        return texts(column.cast(kind.value_type))
    try:
        text = column.cast(pa.string())
        # Parquet readers and casts between string types do not check for UTF-8.
        text.validate(full=True)
        return text, np.zeros(len(column), np.bool_)
    except pa.ArrowInvalid:
        if not _is_text(kind):
            raise
    decoded = [_decoded(value) for value in column.cast(pa.large_binary()).to_pylist()]
    return pa.array([text or None for text in decoded], pa.string()), np.array([text is None for text in decoded])


def numbers(column: pa.Array) -> tuple[npt.NDArray[np.float64], Marks]:
    """Numbers, NaN if missing or invalid, and marks of invalid ones."""
    if _is_text(column.type):
        column, not_text = _filled(column)
        try:
            found = _floats(column)
        except pa.ArrowInvalid:
            found = np.array([_number(value) for value in column.to_pylist()], np.float64)
        bad = not_text | (_valid(column) & ~np.isfinite(found))
    else:
        found = _floats(column)
        bad = _valid(column) & ~np.isfinite(found)
    found[bad] = np.nan
    return found, bad


def times(column: pa.Array) -> tuple[npt.NDArray[np.int64], Marks]:
    """Unix microseconds, and marks of invalid times. A time without a zone is UTC."""
    kind = column.type
    if _is_text(kind):
        return _text_times(_filled(column)[0])
    if pa.types.is_temporal(kind):
        if not pa.types.is_timestamp(kind):
            column = column.cast(pa.timestamp("us"))
        known = _valid(column)
        found = np.array(column.cast(pa.timestamp("us"), safe=False).cast(pa.int64()).fill_null(0))
    elif pa.types.is_integer(kind):
        known = _valid(column)
        milliseconds = column.fill_null(0).to_numpy(zero_copy_only=False)
        known &= (milliseconds <= MOST_TIME // 1000) & (milliseconds >= LEAST_TIME // 1000)
        found = np.where(known, milliseconds, 0).astype(np.int64) * 1000
    else:
        found, known = _from_milliseconds(_floats(column))
    return found, ~known | (found < LEAST_TIME) | (found > MOST_TIME)


def _text_times(column: pa.Array) -> tuple[npt.NDArray[np.int64], Marks]:
    try:
        found = np.array(column.cast(_TIME).cast(pa.int64()).fill_null(0))
        return found, ~_valid(column)
    except pa.ArrowInvalid:
        pass
    try:
        found, known = _from_milliseconds(_floats(column))
        return found, ~known
    except pa.ArrowInvalid:
        pass
    parsed = [_time(value) for value in column.to_pylist()]
    bad = np.array([time is None for time in parsed], np.bool_)
    return np.array([time or 0 for time in parsed], np.int64), bad


def _from_milliseconds(found: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.int64], Marks]:
    """Microseconds, and marks of valid times."""
    known = (found >= LEAST_TIME / 1000) & (found <= MOST_TIME / 1000)
    return np.rint(np.where(known, found, 0) * 1000).astype(np.int64), known


def _time(text: str | None) -> int | None:
    if not text:
        return None
    milliseconds = _number(text)
    if not math.isnan(milliseconds):
        return round(milliseconds * 1000) if LEAST_TIME <= milliseconds * 1000 <= MOST_TIME else None
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    zoned = time if time.tzinfo else time.replace(tzinfo=UTC)
    since = zoned - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _is_text(kind: pa.DataType) -> bool:
    return any(is_one(kind) for is_one in (pa.types.is_string, pa.types.is_large_string, pa.types.is_dictionary)) or (
        pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_string_view(kind)
    )


def _filled(column: pa.Array) -> tuple[pa.Array, Marks]:
    """Plain strings, with null for empty ones."""
    column, bad = texts(column)
    if pa.types.is_dictionary(column.type):
        column = column.cast(pa.string())
    return pc.if_else(pc.equal(column, ""), None, column), bad


def _valid(column: pa.Array) -> Marks:
    return np.array(column.is_valid())


def _floats(column: pa.Array) -> npt.NDArray[np.float64]:
    return np.array(column.cast(pa.float64()).fill_null(math.nan))


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _decoded(value: bytes | None) -> str | None:
    """The text; "" for null, None for bytes that are not UTF-8."""
    try:
        return (value or b"").decode()
    except UnicodeDecodeError:
        return None
