"""How a campaign looks as a document: the keys of each part, from which campaigns are read and written.

Keys are the names of the fields in `model.py`. A step has `id`, one key that is its kind, and `next`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cached_property
from typing import Any

from shared.model.campaigns.clock import zone
from shared.model.campaigns.expectations import SENTENCES, read_expectation, write_expectation
from shared.model.campaigns.model import (
    MAX_CONDITION,
    MAX_EMAIL,
    MAX_SMS,
    MAX_STEPS,
    Arm,
    Branch,
    Campaign,
    Cap,
    Channel,
    Condition,
    Delay,
    Exit,
    Field,
    FieldType,
    Goal,
    QuietHours,
    SendEmail,
    Sender,
    SendSms,
    Split,
    Step,
    UpdateContact,
    WaitForReply,
    Webhook,
    Weekday,
)
from shared.model.campaigns.times import read_date, read_duration, read_time, write_duration, write_time
from shared.model.events import Json

_ID = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_TOOL = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,127}")


@dataclass(frozen=True, slots=True)
class Value:
    """A value that is not a part. what: what it should be, in words. read: raises ValueError; write: its inverse."""

    what: str
    read: Callable[[Json], Any]
    write: Callable[[Any], Json] = lambda value: value


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the values of an enumeration."""

    of: Any


@dataclass(frozen=True, slots=True)
class Items:
    """A list of values or parts."""

    of: "Value | Form"
    most: int


@dataclass(frozen=True)
class Form:
    """How a part looks. what: the part in sentences. named: it is an entry of a mapping, whose key is its `name`."""

    part: Any
    what: str
    members: "Mapping[str, Value | Choice | Items | Form]"
    named: bool = False

    @cached_property
    def defaults(self) -> Mapping[str, Any]:
        """The values of members that are not given; others must be."""
        given = {one.name: one.default for one in fields(self.part) if one.default is not MISSING}
        made = {one.name: one.default_factory() for one in fields(self.part) if one.default_factory is not MISSING}
        return given | made


def _text(most: int) -> Value:
    def read(value: Json) -> str:
        if not isinstance(value, str) or len(value) > most:
            raise ValueError(value)
        return value

    return Value(f"text of up to {most:,} characters", read)


def _matching(pattern: re.Pattern[str], what: str) -> Value:
    def read(value: Json) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise ValueError(value)
        return value

    return Value(what, read)


def _number(value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(value)
    return value


def _weight(value: Json) -> float:
    if _number(value) < 0:
        raise ValueError(value)
    return float(value)


def _count(value: Json) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 1_000_000:
        raise ValueError(value)
    return value


def _duration(value: Json) -> int:
    if not isinstance(value, str):
        raise ValueError(value)
    return read_duration(value)


def _time(value: Json) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(value)
    return read_time(value)


def _zone(value: Json) -> str:
    if not isinstance(value, str) or len(value) > 64:
        raise ValueError(value)
    zone(value)
    return value


def _texts(most: int) -> Value:
    def read(value: Json) -> Mapping[str, str]:
        inside = value.values() if isinstance(value, dict) and len(value) <= 50 else None
        if inside is None or not all(isinstance(one, str) and len(one) <= most for one in inside):
            raise ValueError(value)
        return dict(value)

    return Value("a mapping from names to texts", read, dict)


def _values(value: Json) -> Mapping[str, Json]:
    if not isinstance(value, dict) or len(value) > 100:
        raise ValueError(value)
    return dict(value)


def _scalar(value: Json) -> Json:
    if not isinstance(value, str | int | float | bool):
        raise ValueError(value)
    return value


def _sentence(value: Json) -> Any:
    if not isinstance(value, str) or len(value) > 500:
        raise ValueError(value)
    return read_expectation(value)


def _day(value: Json) -> Any:
    if not isinstance(value, str):
        raise ValueError(value)
    return read_date(value)


_TARGET = _matching(re.compile(rf"(?:{_ID.pattern})?"), "the id of a step")
_DURATION = Value("a duration such as `2 days`, `1 hour 30 minutes` or `45 seconds`", _duration, write_duration)
_CLOCK = Value('a time of day such as "09:00"', _time, write_time)
_WEIGHT = Value("a number from 0", _weight)
_COUNT = Value("a whole number from 0 to 1,000,000", _count)
_BOUND = Value("a number", _number)
_SCALAR = Value("text, a number, true or false", _scalar)
_TAGS = Items(_text(100), 100)
_MAPPING = Value("a mapping with up to 100 names", _values, dict)

_BRANCH = Form(Branch, "A branch", {"when": _text(MAX_CONDITION), "next": _TARGET, "name": _text(64)})
_ARM = Form(Arm, "An arm", {"name": _text(64), "weight": _WEIGHT, "next": _TARGET})

KINDS: Mapping[str, Form] = {
    form.part.kind: form
    for form in (
        Form(SendSms, "An SMS", {"body": _text(MAX_SMS)}),
        Form(
            SendEmail,
            "An e-mail",
            {"subject": _text(1_000), "body": _text(MAX_EMAIL), "headers": _texts(2_000)},
        ),
        Form(WaitForReply, "A wait for a reply", {"timeout": _DURATION, "on_timeout": _TARGET}),
        Form(Delay, "A delay", {"duration": _DURATION, "time": _CLOCK, "weekday": Choice(Weekday)}),
        Form(Condition, "A condition", {"branches": Items(_BRANCH, 200), "otherwise": _TARGET}),
        Form(Split, "A split", {"arms": Items(_ARM, 100)}),
        Form(UpdateContact, "An update", {"fields": _MAPPING, "add_tags": _TAGS, "remove_tags": _TAGS}),
        Form(
            Webhook,
            "A webhook",
            {
                "tool": _matching(_TOOL, "a tool's name: a letter, then letters, digits, `_`, `.` or `-`"),
                "arguments": _MAPPING,
                "url": _text(2_000),
            },
        ),
        Form(Goal, "A goal", {"name": _text(200)}),
        Form(Exit, "An exit", {"reason": _text(500)}),
    )
}
"""The form of each kind of step by its name."""

STEP = Form(
    Step,
    "A step",
    {"id": _matching(_ID, "a small letter, then up to 63 small letters, digits, `_` or `-`"), "next": _TARGET},
)
"""The keys of every step, besides that of its kind."""

FIELD_NAME = _matching(_NAME, "a small letter, then up to 63 small letters, digits or `_`")
_FIELD = Form(
    Field,
    "A contact field",
    {
        "type": Choice(FieldType),
        "description": _text(1_000),
        "values": Items(_SCALAR, 1_000),
        "minimum": _BOUND,
        "maximum": _BOUND,
        "default": _SCALAR,
    },
    named=True,
)

CAMPAIGN = Form(
    Campaign,
    "A campaign",
    {
        "display_name": _text(200),
        "description": _text(2_000),
        "start": _TARGET,
        "time_zone": Value("the IANA name of a time zone, such as `Europe/Berlin`", _zone),
        "quiet_hours": Form(QuietHours, "The quiet hours", {"start": _CLOCK, "end": _CLOCK}),
        "caps": Items(
            Form(Cap, "A cap", {"messages": _COUNT, "within": _DURATION, "channel": Choice(Channel)}),
            20,
        ),
        "sender": Form(
            Sender,
            "The sender",
            {"name": _text(200), "sms": _text(40), "email": _text(320), "address": _text(500)},
        ),
        "holidays": Items(
            Value("a date that exists, such as `2026-12-24`", _day, lambda day: str(day.isoformat())), 1_000
        ),
        "contact": Items(_FIELD, 500),
        "expectations": Items(Value(f"a sentence such as {SENTENCES}", _sentence, write_expectation), 100),
        "steps": Items(STEP, MAX_STEPS),
    },
)
"""The form of a whole campaign."""
