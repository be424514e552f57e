"""Times at the contact's place: quiet hours, holidays, delays, clocks that change. Instants are Unix milliseconds."""

from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from functools import lru_cache
from zoneinfo import ZoneInfo

from shared.model.campaigns.model import Campaign, Delay, QuietHours, Weekday

_MOST_DAYS = 800
"""The most days that are searched for one on which messages may be sent."""
_WEEKDAYS = tuple(Weekday)


class BadTimeZone(ValueError):
    """The time zone is unknown; the message is one sentence."""


@lru_cache(maxsize=1_000)
def zone(name: str) -> ZoneInfo:
    """The time zone with an IANA name. Raises BadTimeZone."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise BadTimeZone(f"The time zone `{name[:60]}` is unknown; use a name such as `Europe/Berlin`.") from None


def local(at: int, place: ZoneInfo) -> datetime:
    """The instant as people at the place say it."""
    return datetime.fromtimestamp(at / 1000, place)


def weekday(day: date) -> Weekday:
    """The day of the week."""
    return _WEEKDAYS[day.weekday()]


def after_delay(delay: Delay, at: int, place: ZoneInfo) -> int:
    """The instant at which a delay ends that begins at `at`.

    Durations are exact, whatever clocks do. A time that clocks skip is the one after the change, and of a time that
    clocks repeat it is the first.
    """
    at += (delay.duration or 0) * 1000
    if delay.time is None and delay.weekday is None:
        return at
    now = local(at, place)
    for days in range(9):
        day = now.date() + timedelta(days=days)
        if delay.weekday is not None and weekday(day) is not delay.weekday:
            continue
        minute = now.hour * 60 + now.minute if delay.time is None else delay.time
        if days == 0 and (delay.time is None or minute == now.hour * 60 + now.minute):
            return at
        if (found := _instant(day, minute, place)) >= at:
            return found
    raise AssertionError("every weekday comes within nine days")


def when_allowed(campaign: Campaign, at: int, place: ZoneInfo) -> int:
    """The first instant from `at` on that is neither in quiet hours nor on a holiday."""
    for _ in range(_MOST_DAYS):
        now = local(at, place)
        minute = now.hour * 60 + now.minute
        if now.date() in campaign.holidays:
            at = _instant(now.date() + timedelta(days=1), 0, place)
        elif campaign.quiet_hours.covers(minute):
            at = _end_of_quiet(campaign.quiet_hours, now, minute, place)
        else:
            return at
    return at


def _end_of_quiet(quiet: QuietHours, now: datetime, minute: int, place: ZoneInfo) -> int:
    days = 0 if minute < quiet.end else 1
    return max(_instant(now.date() + timedelta(days=days), quiet.end, place), int(now.timestamp() * 1000) + 60_000)


def _instant(day: date, minute: int, place: ZoneInfo) -> int:
    """The instant of a minute of a day."""
    said = datetime.combine(day, time_of_day(minute // 60, minute % 60), place)
    return int(said.timestamp() * 1000)
