"""Texts that are written again and again, ready as bytes, and the kernels that copy them and write numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from services.testdata.traces.generation.jit import kernel

_ENOUGH, _SURE = 7, 9
"""Significant digits: a 32-bit float that fewer tell shows zeros behind them in seven; nine tell any (IEEE 754)."""
_MOST_DIGITS = 19
"""Of a number of 63 bits."""
_POWERS = 10.0 ** np.arange(23)
"""The powers of ten that a 64-bit float holds exactly."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Tables of texts in one piece.

    blob: uint8, all texts one after the other.
    starts: int64, where each begins; one more at the end.
    tables: int64, the number of each table's first text.
    """

    blob: NDArray[np.uint8]
    starts: NDArray[np.int64]
    tables: NDArray[np.int64]

    @classmethod
    def of(cls, tables: Sequence[Sequence[bytes]]) -> "Texts":
        """The tables, none of which may be empty."""
        lengths = [len(text) for table in tables for text in table]
        return cls(
            np.frombuffer(b"".join(text for table in tables for text in table), np.uint8),
            np.cumsum([0, *lengths], dtype=np.int64),
            np.cumsum([0, *(len(table) for table in tables)], dtype=np.int64)[:-1],
        )

    def size(self, columns: Sequence[NDArray[np.integer[Any]] | int]) -> int:
        """How many bytes are written for columns, one a table: which of its texts, or how often its only one."""
        lengths = np.diff(self.starts)
        return sum(
            column * int(lengths[table])
            if isinstance(column, int)
            else int(lengths[column.astype(np.int64) + table].sum())
            for table, column in zip(self.tables, columns, strict=True)
        )


@intrinsic
def _copy(typingctx, out, at, blob, start, size):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """memcpy: three times as fast for a text as a loop over its bytes."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        target = context.make_array(signature.args[0])(context, builder, arguments[0])
        source = context.make_array(signature.args[2])(context, builder, arguments[2])
        to, origin = builder.gep(target.data, [arguments[1]]), builder.gep(source.data, [arguments[3]])
        cgutils.raw_memcpy(builder, to, origin, arguments[4], 1)  # type: ignore[no-untyped-call]
        return context.get_dummy_value()

    return types.void(out, types.intp, blob, types.intp, types.intp), generate


@kernel
def put_text(out, at, blob, starts, text):  # type: ignore[no-untyped-def]
    """Copy text number `text`; returns the place behind it, as all these do."""
    size = starts[text + 1] - starts[text]
    _copy(out, at, blob, starts[text], size)  # type: ignore[call-arg] # numba gives the first
    return at + size


@kernel
def put_bytes(out, at, column, row, width):  # type: ignore[no-untyped-def]
    """Copy a row of a column of numbers that are `width` bytes each, as they lie in memory: least byte first."""
    _copy(out, at, column, row * width, width)  # type: ignore[call-arg] # numba gives the first
    return at + width


@kernel
def digits(value):  # type: ignore[no-untyped-def]
    """How many decimal digits a number from 0 on has."""
    count, limit = 1, np.uint64(10)
    while count < _MOST_DIGITS and np.uint64(value) >= limit:
        count += 1
        limit *= np.uint64(10)
    return count


@kernel
def put_padded(out, at, value, width):  # type: ignore[no-untyped-def]
    """Write a number from 0 on as `width` decimal digits."""
    rest = np.uint64(value)
    for place in range(at + width - 1, at - 1, -1):
        tenth = rest // np.uint64(10)
        out[place] = np.uint8(48 + (rest - tenth * np.uint64(10)))
        rest = tenth
    return at + width


@kernel
def put_number(out, at, value):  # type: ignore[no-untyped-def]
    """Write a number from 0 on in decimal."""
    return put_padded(out, at, value, digits(value))


@kernel
def put_float(out, at, value):  # type: ignore[no-untyped-def]
    """Write a 32-bit float from 0 on with as few digits as it is read back from, and at least one decimal."""
    exact = np.float64(value)
    whole = 1
    while whole < 22 and exact >= _POWERS[whole]:
        whole += 1
    if 0.0 < exact < 1.0:
        whole = 0
        while whole > -12 and exact * _POWERS[1 - whole] < 1.0:
            whole -= 1
    decimals, scaled = 1, np.int64(0)
    for significant in range(_ENOUGH, _SURE + 1):
        decimals = max(1, significant - whole)
        scaled = np.int64(exact * _POWERS[decimals] + 0.5)
        if np.float32(scaled / _POWERS[decimals]) == value:
            break
    while decimals > 1 and scaled % 10 == 0:
        scaled //= 10
        decimals -= 1
    unit = np.int64(_POWERS[decimals])
    at = put_number(out, at, scaled // unit)
    out[at] = 46
    return put_padded(out, at + 1, scaled % unit, decimals)


@kernel
def put_time(out, at, milliseconds):  # type: ignore[no-untyped-def]
    """Write a Unix time of the years 0 to 9999 as `2026-01-05T09:30:00.250Z`; 24 bytes."""
    # From days to a date: Howard Hinnant's civil_from_days, in years that begin with March.
    days, rest = milliseconds // 86_400_000, milliseconds % 86_400_000
    shifted = days + 719_468
    era, day_of_era = shifted // 146_097, shifted % 146_097
    year_of_era = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    march_month = (5 * day_of_year + 2) // 153
    month = march_month + 3 if march_month < 10 else march_month - 9
    at = put_padded(out, at, year_of_era + era * 400 + (1 if month <= 2 else 0), 4)
    out[at] = 45
    at = put_padded(out, at + 1, month, 2)
    out[at] = 45
    at = put_padded(out, at + 1, day_of_year - (153 * march_month + 2) // 5 + 1, 2)
    out[at] = 84
    at = put_padded(out, at + 1, rest // 3_600_000, 2)
    out[at] = 58
    at = put_padded(out, at + 1, rest // 60_000 % 60, 2)
    out[at] = 58
    at = put_padded(out, at + 1, rest // 1_000 % 60, 2)
    out[at] = 46
    at = put_padded(out, at + 1, rest % 1_000, 3)
    out[at] = 90
    return at + 1


@kernel
def varint_size(value):  # type: ignore[no-untyped-def]
    """How many bytes a number takes as a protobuf varint; ten if it is negative."""
    bits, size = np.uint64(value), 1
    while bits >= np.uint64(128):
        bits >>= np.uint64(7)
        size += 1
    return size


@kernel
def put_varint(out, at, value):  # type: ignore[no-untyped-def]
    """Write a number as a protobuf varint."""
    bits = np.uint64(value)
    while bits >= np.uint64(128):
        out[at] = np.uint8(bits & np.uint64(127)) | np.uint8(128)
        bits >>= np.uint64(7)
        at += 1
    out[at] = np.uint8(bits)
    return at + 1
