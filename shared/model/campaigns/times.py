"""Durations, times of day and dates as people write them in campaigns."""

import re
from datetime import date

MINUTE, HOUR, DAY, WEEK = 60, 3_600, 86_400, 604_800
"""Seconds."""
MAX_DURATION = 3_660 * DAY
"""The longest duration, in seconds: ten years."""

_UNITS = {"second": 1, "minute": MINUTE, "hour": HOUR, "day": DAY, "week": WEEK}
_SHORT = {"s": 1, "sec": 1, "min": MINUTE, "h": HOUR, "d": DAY, "w": WEEK}
_ALL = {**_UNITS, **{f"{unit}s": size for unit, size in _UNITS.items()}, **_SHORT}
_PART = re.compile(r"(\d{1,12})\s*([a-z]+)")
_DURATION = re.compile(r"-?\s*\d{1,12}\s*[a-z]+(?:(?:\s|,|and)+\d{1,12}\s*[a-z]+)*")
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def read_duration(text: str) -> int:
    """The seconds in a text such as `2 days`, `1 hour 30 minutes` or `-5 minutes`. Raises ValueError."""
    lowered = text.strip().lower()
    if not _DURATION.fullmatch(lowered):
        raise ValueError(text)
    total = 0
    for count, unit in _PART.findall(lowered):
        if unit not in _ALL:
            raise ValueError(text)
        total += int(count) * _ALL[unit]
    if total > MAX_DURATION:
        raise ValueError(text)
    return -total if lowered.startswith("-") else total


def write_duration(seconds: int) -> str:
    """The duration as `read_duration` reads it, in the largest units."""
    if seconds == 0:
        return "0 seconds"
    parts, left = [], abs(seconds)
    for unit in ("day", "hour", "minute", "second"):
        count, left = divmod(left, _UNITS[unit])
        if count:
            parts.append(f"{count} {unit}{'' if count == 1 else 's'}")
    return ("-" if seconds < 0 else "") + " ".join(parts)


def read_time(value: str | int) -> int:
    """The minutes since midnight in a text such as `9:00`; YAML reads `21:00` without quotes as such a number.

    Raises ValueError.
    """
    if isinstance(value, int):
        if 0 <= value < 24 * 60:
            return value
    elif match := _TIME.fullmatch(value.strip()):
        return int(match[1]) * 60 + int(match[2])
    raise ValueError(value)


def write_time(minutes: int) -> str:
    """The time of day as `09:00`."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def read_date(text: str) -> date:
    """The date in a text such as `2026-12-24`. Raises ValueError."""
    if len(text) != len("2026-12-24"):
        raise ValueError(text)
    return date.fromisoformat(text)
