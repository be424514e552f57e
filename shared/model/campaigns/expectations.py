"""What a campaign must achieve and never do, as sentences that are read and written.

expect goal within 7 days
when persona busy_parent, expect goal booked within 2 weeks
never more than 3 messages a week
never more than 1 email in 36 hours
nothing after STOP
"""

import re
from dataclasses import dataclass

from shared.model.campaigns.times import DAY, HOUR, WEEK, read_duration, write_duration

SENTENCES = (
    "`expect goal within 7 days`, `when persona NAME, expect goal GOAL within 7 days`, "
    "`never more than 3 messages a week`, `never more than 1 sms in 2 days` or `nothing after STOP`"
)
"""The forms, for errors."""

_GOAL = re.compile(
    r"(?:when persona (?P<persona>[^,]{1,200}), ?)?expect goal(?: (?P<goal>(?!within )[a-z][a-z0-9_-]{0,63}))? "
    r"within (?P<within>.{1,60})",
    re.IGNORECASE,
)
_AT_MOST = re.compile(
    r"never more than (?P<count>\d{1,6}) (?P<channel>messages?|sms|emails?|e-mails?) "
    r"(?:(?:a|per) (?P<unit>hour|day|week|month)|(?:in|within) (?P<within>.{1,60}))",
    re.IGNORECASE,
)
_NOTHING = re.compile(r"nothing after (?:stop|opt-?out|an opt-?out)", re.IGNORECASE)
_UNITS = {"hour": HOUR, "day": DAY, "week": WEEK, "month": 30 * DAY}
_NAMES = {size: unit for unit, size in _UNITS.items()}


@dataclass(frozen=True, slots=True)
class GoalExpected:
    """The contact reaches a goal in time.

    within: seconds since the contact entered. goal: the id of a step; "": any goal. persona: "": every persona.
    """

    within: int
    goal: str = ""
    persona: str = ""


@dataclass(frozen=True, slots=True)
class AtMost:
    """No contact gets more than `messages` in any `within` seconds. channel: `sms`, `email`, or "" for both."""

    messages: int
    within: int
    channel: str = ""


@dataclass(frozen=True, slots=True)
class NothingAfterStop:
    """No message follows an opt-out, except one confirmation."""


Expectation = GoalExpected | AtMost | NothingAfterStop


def read_expectation(sentence: str) -> Expectation:
    """The expectation in a sentence. Raises ValueError."""
    text = " ".join(sentence.split()).rstrip(".")
    if found := _GOAL.fullmatch(text):
        within = read_duration(found["within"])
        if within <= 0:
            raise ValueError(sentence)
        return GoalExpected(within, (found["goal"] or "").lower(), (found["persona"] or "").strip())
    if found := _AT_MOST.fullmatch(text):
        within = _UNITS[found["unit"].lower()] if found["unit"] else read_duration(found["within"])
        if within <= 0:
            raise ValueError(sentence)
        channel = found["channel"].lower().replace("-", "")
        return AtMost(
            int(found["count"]), within, "" if channel[0] == "m" else channel.rstrip("s") + "s" * (channel == "sms")
        )
    if _NOTHING.fullmatch(text):
        return NothingAfterStop()
    raise ValueError(sentence)


def write_expectation(expectation: Expectation) -> str:
    """The expectation as a sentence that `read_expectation` reads back equal."""
    if isinstance(expectation, GoalExpected):
        who = f"when persona {expectation.persona}, " if expectation.persona else ""
        goal = f" {expectation.goal}" if expectation.goal else ""
        return f"{who}expect goal{goal} within {write_duration(expectation.within)}"
    if isinstance(expectation, AtMost):
        what = expectation.channel or "messages"
        unit = _NAMES.get(expectation.within)
        time = f"a {unit}" if unit else f"in {write_duration(expectation.within)}"
        return f"never more than {expectation.messages} {what} {time}"
    return "nothing after STOP"
