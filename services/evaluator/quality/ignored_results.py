"""The agent ignores what tools answer.

It claims success right after a tool's error, and no call succeeded since; or nothing new that tools answered is in any
later message or call. Something is new if neither the user nor the arguments of the call had it.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import chain

from services.evaluator.quality.metric import Found, Metric, share_of
from services.evaluator.quality.phrases import ENGLISH
from services.evaluator.quality.talk import Talk
from shared.model.events import Json
from shared.model.expectations import MadeCall
from shared.words import counted

_WORD = re.compile(r"[^\W_]+")
_LONGEST = 3
"""The most words of a value; longer ones are sentences, which do not make an answer one with values."""
_FEWEST = 2
"""How many new values an answer has at least that tells more than that something was done."""
_SHARE = 0.75
"""The share of the answers with new values that may at most be ignored."""


def measure(talk: Talk) -> Found | None:
    answered = [call for call in talk.own_calls if call.result_seq]
    if not answered or not talk.said:
        return None
    denied = list(_denied(talk, answered)) if talk.english else []
    if denied:
        detail = f"The agent claims success after the error of {denied[0][0].tool}."
        return Found(0.0, True, detail, [seq for call, message in denied for seq in (call.result_seq, message)])
    ignored, telling = _ignored(talk, answered)
    share = share_of(len(ignored), telling)
    if not ignored:
        return Found(1.0)
    detail = f"The agent uses nothing new of {counted(len(ignored), 'answer')} of tools, out of {telling}."
    return Found(1 - share / 2, share > _SHARE, detail, [call.result_seq for call in ignored])


def _denied(talk: Talk, answered: list[MadeCall]) -> Iterator[tuple[MadeCall, int]]:
    """The failed calls behind which the agent says that it is done, and the seq of that message."""
    for call in answered:
        if call.error is None:
            continue
        later = next((one for one in talk.said if one.seq > call.result_seq), None)
        if later is None or any(one.succeeded and call.result_seq < one.result_seq < later.seq for one in answered):
            continue
        if "done" in later.kinds and "failed" not in later.kinds:
            yield call, later.seq


def _ignored(talk: Talk, answered: list[MadeCall]) -> tuple[list[MadeCall], int]:
    """The calls whose answers have values of which none is ever used, and how many answers have new values."""
    heard = {word for one in talk.messages if not one.agent for word in one.words}
    ignored, telling = [], 0
    for call in answered:
        if call.error is not None or not isinstance(call.value, Mapping | list):
            continue
        old = {*chain.from_iterable(_values(dict(call.arguments))), *_WORD.findall(call.tool.casefold())}
        new = [value for value in _values(call.value) if not old.issuperset(value) and not heard.issuperset(value)]
        if sum(len(value) <= _LONGEST for value in new) < _FEWEST:
            continue
        telling += 1
        words = {*chain.from_iterable(new)}
        said = (one.bag for one in talk.said if one.seq > call.result_seq)
        later = (one for one in talk.own_calls if one.seq > call.result_seq)
        used = (word for one in later for value in _values(dict(one.arguments)) for word in value)
        if all(words.isdisjoint(bag) for bag in said) and words.isdisjoint(used):
            ignored.append(call)
    return ignored, telling


def _values(value: Json) -> Iterator[list[str]]:
    """The telling words of each value of JSON."""
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _values(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _values(inner)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield [word for word in _WORD.findall(str(value).casefold()) if word not in ENGLISH]


METRIC = Metric("ignored-results", 0.3, measure)
