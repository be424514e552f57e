"""The parts of a written record, one for each field, and the kernels that write them."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.testdata.records.tables import Strings
from services.testdata.traces.formats.texts import put_number, put_padded, put_text
from services.testdata.traces.generation.jit import inlined, kernel

_MOST_KEPT = 1 << 26
NULL = np.iinfo(np.int64).min
"""Stands for null among the values of a part."""


class How(IntEnum):
    """How a value is written."""

    TEXT = 0
    """The text with this number, and nothing else. Null is a text too."""
    ROW = 1
    """The text with this number, of the texts that are only of these rows."""
    WHOLE = 2
    """In decimal."""
    DECIMAL = 3
    """As a decimal fraction with `digits` digits after the point, without zeros at the end."""
    DATE = 4
    """Days since 1970, as `2026-01-05`."""
    DATETIME = 5
    """Microseconds since 1970, as `2026-01-05T09:30:00Z`."""
    TIME = 6
    """Microseconds since midnight, as `09:30:00`."""
    UUID = 7
    """The high 64 bits; the low ones are in `lows`."""
    SERIAL = 8
    """In decimal, with zeros in front up to `digits`."""
    REAL = 9
    """The bits of a float64, in ROWS only."""


ROOM = {How.WHOLE: 20, How.DECIMAL: 40, How.DATE: 12, How.DATETIME: 32, How.TIME: 16, How.UUID: 36, How.SERIAL: 64}
"""The most bytes of a value."""
_TENS, _ONES = (np.array([48 + number // size % 10 for number in range(100)], np.uint8) for size in (10, 1))
_HIGHS, _LOWS = (np.frombuffer(bytes(ord(f"{byte:02x}"[place]) for byte in range(256)), np.uint8) for place in (0, 1))


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One field of all rows.

    values: for TEXT numbers of `texts`; for ROW numbers of `own`; otherwise the values, or NULL.
    texts: for TEXT all texts; otherwise three: before a value, after it, and instead of it if it is null.
    """

    how: How
    values: NDArray[np.int64]
    texts: Strings
    lows: NDArray[np.uint64] | None = None
    own: Strings | None = None
    digits: int = 0


@kernel
def replaced(blob, starts, with_blob, with_starts):  # type: ignore[no-untyped-def]
    """Texts in which each byte stands for the text with its number."""
    size = 0
    for byte in blob:
        size += with_starts[byte + 1] - with_starts[byte]
    out, out_starts = np.empty(size, np.uint8), np.zeros(len(starts), np.int64)
    at = 0
    for text in range(len(starts) - 1):
        for place in range(starts[text], starts[text + 1]):
            byte = blob[place]
            first, last = with_starts[byte], with_starts[byte + 1]
            if last - first == 1:
                out[at] = with_blob[first]
                at += 1
            else:
                for other in range(first, last):
                    out[at] = with_blob[other]
                    at += 1
        out_starts[text + 1] = at
    return out, out_starts


@kernel
def wrapped(before, blob, starts, after):  # type: ignore[no-untyped-def]
    """Texts with bytes before and after each."""
    count = len(starts) - 1
    out, out_starts = (
        np.empty(starts[count] + count * (len(before) + len(after)), np.uint8),
        np.zeros(count + 1, np.int64),
    )
    at = 0
    for text in range(count):
        for byte in before:
            out[at] = byte
            at += 1
        for place in range(starts[text], starts[text + 1]):
            out[at] = blob[place]
            at += 1
        for byte in after:
            out[at] = byte
            at += 1
        out_starts[text + 1] = at
    return out, out_starts


@kernel
def put_whole(out, at, value):  # type: ignore[no-untyped-def]
    """Write a number in decimal."""
    if value < 0:
        out[at] = 45
        return put_number(out, at + 1, -value)
    return put_number(out, at, value)


@kernel
def put_fraction(out, at, value, digits):  # type: ignore[no-untyped-def]
    """Write value / 10**digits without zeros at its end."""
    while digits > 0 and value % 10 == 0:
        value //= 10
        digits -= 1
    if value < 0:
        out[at] = 45
        at += 1
        value = -value
    unit = np.int64(1)
    for _ in range(digits):
        unit *= 10
    at = put_number(out, at, value // unit)
    if digits > 0:
        out[at] = 46
        at = put_padded(out, at + 1, value % unit, digits)
    return at


@inlined
def _put_two(out, at, value):  # type: ignore[no-untyped-def]
    """Write a number from 0 to 99 as two digits."""
    out[at], out[at + 1] = _TENS[value], _ONES[value]
    return at + 2


@kernel
def put_date(out, at, days):  # type: ignore[no-untyped-def]
    """Write a day of the years 0 to 9999 as `2026-01-05`; 10 bytes."""
    # Howard Hinnant's civil_from_days; years begin in March.
    shifted = np.uint64(days + 719_468)
    era = shifted // np.uint64(146_097)
    day_of_era = np.uint32(shifted - era * np.uint64(146_097))
    leap_days = day_of_era // np.uint32(1_460) - day_of_era // np.uint32(36_524) + day_of_era // np.uint32(146_096)
    year_of_era = np.uint32((day_of_era - leap_days) // np.uint32(365))
    day_of_year = day_of_era - (
        np.uint32(365) * year_of_era + year_of_era // np.uint32(4) - year_of_era // np.uint32(100)
    )
    march_month = np.uint32((np.uint32(5) * day_of_year + np.uint32(2)) // np.uint32(153))
    month = march_month + np.uint32(3) if march_month < 10 else march_month - np.uint32(9)
    year = np.uint32(year_of_era + era * np.uint64(400) + np.uint64(1 if month <= 2 else 0))
    century = np.uint32(year // np.uint32(100))
    at = _put_two(out, at, century)
    at = _put_two(out, at, np.uint32(year - century * np.uint32(100)))
    out[at] = 45
    at = _put_two(out, at + 1, np.uint32(month))
    out[at] = 45
    day = day_of_year - np.uint32(np.uint32(153) * march_month + np.uint32(2)) // np.uint32(5) + np.uint32(1)
    return _put_two(out, at + 1, np.uint32(day))


@kernel
def put_time_of_day(out, at, microseconds):  # type: ignore[no-untyped-def]
    """Write a time of the day as `09:30:00`, with microseconds if there are any; 8 or 15 bytes."""
    whole = np.uint64(microseconds)
    seconds = np.uint32(whole // np.uint64(1_000_000))
    rest = np.uint32(whole - np.uint64(seconds) * np.uint64(1_000_000))
    minutes = np.uint32(seconds // np.uint32(60))
    hours = np.uint32(minutes // np.uint32(60))
    at = _put_two(out, at, hours)
    out[at] = 58
    at = _put_two(out, at + 1, np.uint32(minutes - hours * np.uint32(60)))
    out[at] = 58
    at = _put_two(out, at + 1, np.uint32(seconds - minutes * np.uint32(60)))
    if rest != 0:
        out[at] = 46
        at = put_padded(out, at + 1, rest, 6)
    return at


@kernel
def put_datetime(out, at, microseconds):  # type: ignore[no-untyped-def]
    """Write a moment as `2026-01-05T09:30:00Z`; 20 or 27 bytes."""
    days = microseconds // 86_400_000_000
    at = put_date(out, at, days)
    out[at] = 84
    at = put_time_of_day(out, at + 1, microseconds - days * 86_400_000_000)
    out[at] = 90
    return at + 1


@inlined
def _put_hexadecimal(out, at, value, first, count):  # type: ignore[no-untyped-def]
    """Write `count` bytes of 8, from byte `first`, as hexadecimal digits."""
    for place in range(first, first + count):
        byte = np.uint8((value >> np.uint64(56 - 8 * place)) & np.uint64(255))
        out[at], out[at + 1] = _HIGHS[byte], _LOWS[byte]
        at += 2
    return at


@kernel
def put_uuid(out, at, high, low):  # type: ignore[no-untyped-def]
    """Write a UUID; 36 bytes."""
    at = _put_hexadecimal(out, at, high, 0, 4)
    out[at] = 45
    at = _put_hexadecimal(out, at + 1, high, 4, 2)
    out[at] = 45
    at = _put_hexadecimal(out, at + 1, high, 6, 2)
    out[at] = 45
    at = _put_hexadecimal(out, at + 1, low, 0, 2)
    out[at] = 45
    return _put_hexadecimal(out, at + 1, low, 2, 6)


@kernel
def put_serial(out, at, value, width):  # type: ignore[no-untyped-def]
    """Write a number with zeros in front up to a width."""
    limit = np.int64(1)
    for _ in range(min(width, 18)):
        limit *= 10
    if value < limit:
        return put_padded(out, at, value, width)
    return put_number(out, at, value)


@kernel
def put_value(out, at, how, value, low, digits):  # type: ignore[no-untyped-def]
    """Write a value that is no text, as text."""
    if how == _WHOLE:
        return put_whole(out, at, value)
    if how == _DECIMAL:
        return put_fraction(out, at, value, digits)
    if how == _DATE:
        return put_date(out, at, value)
    if how == _DATETIME:
        return put_datetime(out, at, value)
    if how == _TIME:
        return put_time_of_day(out, at, value)
    if how == _UUID:
        return put_uuid(out, at, np.uint64(value), low)
    return put_serial(out, at, value, digits)


_TEXT, _ROW, _WHOLE, _DECIMAL, _DATE, _DATETIME, _TIME, _UUID, _SERIAL, _REAL = map(int, How)
_NULL = np.int64(NULL)


@kernel
def write(out, ends, hows, digits, values, lows, low_rows, blob, starts, tables, own_blob, own_starts):  # type: ignore[no-untyped-def]
    """Write the records; ends: where each ends."""
    at = 0
    for row in range(values.shape[1]):
        for part in range(len(hows)):
            how, value, text = hows[part], values[part, row], tables[part]
            if how == _TEXT:
                at = put_text(out, at, blob, starts, text + value)
            elif value == _NULL:
                at = put_text(out, at, blob, starts, text + 2)
            else:
                at = put_text(out, at, blob, starts, text)
                if how == _ROW:
                    at = put_text(out, at, own_blob, own_starts, value)
                else:
                    at = put_value(out, at, how, value, lows[low_rows[part], row], digits[part])
                at = put_text(out, at, blob, starts, text + 1)
        ends[row] = at


class Kept:
    """Texts that were made from others, kept for the next tables, which mostly have the same. About 64 MB."""

    def __init__(self) -> None:
        self._texts: dict[Hashable, Strings] = {}
        self._bytes = 0

    def get(self, key: Hashable, make: Callable[[], Strings]) -> Strings:
        """The texts of a key; `make` makes them. The key stays alive as long as its texts."""
        found = self._texts.get(key)
        if found is None:
            found = make()
            self._bytes += len(found.blob) + 8 * len(found.starts)
            if self._bytes > _MOST_KEPT:
                self._texts, self._bytes = {}, 0
            self._texts[key] = found
        return found


class Writer:
    """Writes rows of parts. It keeps the texts of the last parts, which mostly stay the same."""

    def __init__(self) -> None:
        self._tables: list[Strings] = []
        self._together = Strings.of([])
        self._firsts = np.zeros(1, np.int64)

    def arrays(self, parts: list[Part]) -> tuple[Any, ...]:
        """The arguments of a kernel: those of `write` from `hows` on."""
        rows = len(parts[0].values)
        values = np.empty((len(parts), rows), np.int64)
        lows = [part.lows for part in parts if part.lows is not None]
        low_rows = np.zeros(len(parts), np.int64)
        owns: list[Strings] = []
        at = low = 0
        for number, part in enumerate(parts):
            values[number] = part.values
            if part.lows is not None:
                low_rows[number] = low
                low += 1
            if part.own is not None:
                if at:
                    values[number] += np.where(part.values == NULL, 0, at)
                at += len(part.own)
                owns.append(part.own)
        self._keep([part.texts for part in parts])
        own = together(owns)
        return (
            np.array([part.how for part in parts], np.int64),
            np.array([part.digits for part in parts], np.int64),
            values,
            np.array(lows, np.uint64).reshape(-1, rows) if lows else np.zeros((1, rows), np.uint64),
            low_rows,
            self._together.blob,
            self._together.starts,
            self._firsts,
            own.blob,
            own.starts,
        )

    def room(self, parts: list[Part]) -> int:
        """The most bytes that the texts and values of these parts take."""
        size = 0
        for part in parts:
            lengths = np.diff(part.texts.starts)
            if part.how is How.TEXT:
                size += int(lengths[part.values].sum())
            else:
                size += len(part.values) * (int(lengths.max()) + int(lengths[1]) + ROOM.get(part.how, 0))
                size += len(part.own.blob) if part.own is not None else 0
        return size

    def _keep(self, tables: list[Strings]) -> None:
        if len(tables) == len(self._tables) and all(map(lambda one, other: one is other, tables, self._tables)):
            return
        self._tables, self._together = tables, together(tables)
        self._firsts = np.cumsum([0, *map(len, tables)], dtype=np.int64)[:-1]


def together(tables: list[Strings]) -> Strings:
    """All texts, one table after the other."""
    if len(tables) == 1:
        return tables[0]
    offsets = np.cumsum([0, *(len(table.blob) for table in tables)])
    starts = [table.starts[:-1] + offset for table, offset in zip(tables, offsets[:-1], strict=True)]
    blob = np.concatenate([np.empty(0, np.uint8), *(table.blob for table in tables)])
    return Strings(blob, np.concatenate([*starts, offsets[-1:]]).astype(np.int64))
