"""Times as tables and chats have them."""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from services.synthesizer.adapters.formats.fields import BadLine

_UNIX = datetime(1970, 1, 1, tzinfo=UTC)
_EXCEL = datetime(1899, 12, 30, tzinfo=UTC)
"""Day 0 of Excel's serial numbers, which count days; right from March 1900 on."""
_LAST_DAY = 2_958_466
"""Excel's serial number of the day after 9999-12-31."""
_UNITS = ((1e8, 1e11, 1_000), (1e11, 1e14, 1), (1e14, 1e17, 1e-3))
"""Unix times: (from, to, milliseconds of one unit) for seconds from 1973 on, milliseconds and microseconds."""
_NUMBER = re.compile(r"\d+([.,]\d+)?")
_ZONE = re.compile(r"\s*(?:UTC|GMT)$|\s+(?=[+-]\d\d:?\d\d$)")
_DAY = re.compile(
    r"(?P<first>\d{1,2})(?P<mark>[./])(?P<second>\d{1,2})(?P=mark)(?P<year>\d{4})"
    r"(?:,?\s+(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<s>\d\d))?(?:\s*(?P<half>[ap])m)?)?",
    re.IGNORECASE,
)


class Moment(NamedTuple):
    """A time. at: Unix milliseconds. zoned: False if it had no time zone and was read as UTC."""

    at: int
    zoned: bool


def read_time(text: str, time_format: str, path: str) -> Moment:
    """Read ISO 8601, Unix seconds to microseconds, Excel's serial numbers, 5.1.2026 and unambiguous 1/25/2026.

    time_format: the only format, as of `strptime`, unless it is "". Raises BadLine.
    """
    try:
        if time_format:
            return _moment(datetime.strptime(text, time_format))
        if _NUMBER.fullmatch(text) and (moment := _of_number(float(text.replace(",", ".")))) is not None:
            return moment
        if day := _DAY.fullmatch(text):
            return _moment(_of_day(day, path))
        return _moment(datetime.fromisoformat(_ZONE.sub(lambda zone: "+00:00" if zone[0].strip() else "", text)))
    except (ValueError, OverflowError):
        like = f"in the format {time_format!r}" if time_format else "like 2026-01-05T09:00:00Z"
        raise BadLine("BAD_TIME", f"{path} {text[:40]!r} is not a time; it should be {like}.") from None


def _moment(read: datetime) -> Moment:
    zoned = read.tzinfo is not None
    return Moment(_milliseconds((read if zoned else read.replace(tzinfo=UTC)) - _UNIX), zoned)


def _milliseconds(since: timedelta) -> int:
    return since // timedelta(milliseconds=1)


def _of_number(number: float) -> Moment | None:
    if 1 <= number < _LAST_DAY:
        return Moment(_milliseconds(_EXCEL + timedelta(seconds=round(number * 86_400)) - _UNIX), False)
    unit = next((unit for least, most, unit in _UNITS if least <= number < most), None)
    return None if unit is None else Moment(int(number * unit), True)


def _of_day(day: re.Match[str], path: str) -> datetime:
    """Days are first with dots; with slashes one of the two must be too large for a month, or both are equal."""
    first, second = int(day["first"]), int(day["second"])
    if day["mark"] == "/" and first <= 12 and second <= 12 and first != second:
        sentence = f"{path} {day[0]!r} may be in month {first} or in month {second}; give the format of the times."
        raise BadLine("BAD_TIME", sentence)
    date, month = (first, second) if day["mark"] == "." or first > 12 else (second, first)
    hour = int(day["hour"] or 0)
    if half := day["half"]:
        hour = hour % 12 + (12 if half.lower() == "p" else 0)
    return datetime(int(day["year"]), month, date, hour, int(day["minute"] or 0), int(day["s"] or 0))
