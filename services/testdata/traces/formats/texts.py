"""Tables of encoded texts, and kernels that write texts and numbers."""

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
"""Significant digits to try: most 32-bit floats need at most seven, and nine identify any (IEEE 754)."""
_MOST_DIGITS = 19
"""The most decimal digits of a 63-bit number."""
_POWERS = 10.0 ** np.arange(23)
"""The powers of ten that a 64-bit float holds exactly."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Tables of texts, concatenated.

    blob: all texts.
    starts: the offset of each text; the last entry is the end.
    tables: the index of each table's first text.
    """

    blob: NDArray[np.uint8]
    starts: NDArray[np.int64]
    tables: NDArray[np.int64]

    @classmethod
    def of(cls, tables: Sequence[Sequence[bytes]]) -> "Texts":
        """Concatenate the tables; none may be empty."""
        lengths = [len(text) for table in tables for text in table]
        return cls(
            np.frombuffer(b"".join(text for table in tables for text in table), np.uint8),
            np.cumsum([0, *lengths], dtype=np.int64),
            np.cumsum([0, *(len(table) for table in tables)], dtype=np.int64)[:-1],
        )

    def size(self, values: Sequence[NDArray[np.integer[Any]] | int]) -> int:
        """The total size of texts. values: for each table, the codes that choose texts, or how often its only text is
        written.
        """
        lengths = np.diff(self.starts)
        return sum(
            codes * int(lengths[table])
            if isinstance(codes, int)
            else int(lengths[codes.astype(np.int64) + table].sum())
            for table, codes in zip(self.tables, values, strict=True)
        )


@intrinsic
def _copy(typingctx, out, at, blob, start, size):  # type: ignore[no-untyped-def]  # noqa: ARG001
    """memcpy: three times as fast as a loop over the bytes of a text."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        target = context.make_array(signature.args[0])(context, builder, arguments[0])
        source = context.make_array(signature.args[2])(context, builder, arguments[2])
        to, origin = builder.gep(target.data, [arguments[1]]), builder.gep(source.data, [arguments[3]])
        cgutils.raw_memcpy(builder, to, origin, arguments[4], 1)  # type: ignore[no-untyped-call]
        return context.get_dummy_value()

    return types.void(out, types.intp, blob, types.intp, types.intp), generate


@kernel
def put_text(out, at, blob, starts, text):  # type: ignore[no-untyped-def]
    """Copy text number `text`; returns the offset after it, as all `put_` kernels do."""
    size = starts[text + 1] - starts[text]
    _copy(out, at, blob, starts[text], size)  # type: ignore[call-arg] # numba gives the first
    return at + size


@kernel
def put_bytes(out, at, column, row, width):  # type: ignore[no-untyped-def]
    """Copy number `row` of a column of `width`-byte numbers, little-endian as in memory."""
    _copy(out, at, column, row * width, width)  # type: ignore[call-arg] # numba gives the first
    return at + width


@kernel
def digits(value):  # type: ignore[no-untyped-def]
    """The number of decimal digits of a number from 0."""
    count, limit = 1, np.uint64(10)
    while count < _MOST_DIGITS and np.uint64(value) >= limit:
        count += 1
        limit *= np.uint64(10)
    return count


@kernel
def put_padded(out, at, value, width):  # type: ignore[no-untyped-def]
    """Write a number from 0 as `width` decimal digits."""
    rest = np.uint64(value)
    for place in range(at + width - 1, at - 1, -1):
        tenth = rest // np.uint64(10)
        out[place] = np.uint8(48 + (rest - tenth * np.uint64(10)))
        rest = tenth
    return at + width


@kernel
def put_number(out, at, value):  # type: ignore[no-untyped-def]
    """Write a number from 0 in decimal."""
    return put_padded(out, at, value, digits(value))


@kernel
def put_decimal(out, at, value):  # type: ignore[no-untyped-def]
    """Write a 32-bit float from 0 with the fewest digits that read back equal, and at least one decimal."""
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
    # Howard Hinnant's civil_from_days; years begin in March.
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
    """The size of a number as a protobuf varint; ten bytes if it is negative."""
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
