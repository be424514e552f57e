"""The agent claims a value that no record has: `the total is $25` where every total that is known is another.

Records are the resources of the conversation, and the objects in the arguments and answers of tools. A claim names a
field (`order_total` is `order total` or `total`) and a value after `is`, `was`, `:` and the like. It contradicts if all
known values of that field are numbers and the claim is another number, or if all are words of state (phrases.yaml,
`states`) and the claim is another such word. The type of a resource stands for its field `status` or `state`: `your
order is shipped`. What the user said is no claim of the agent. English only.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache

from services.evaluator.quality.metric import Found, Metric, share_of
from services.evaluator.quality.phrases import STATES
from services.evaluator.quality.talk import Talk
from shared.model.events import Json
from shared.words import counted

_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_CLAIM = re.compile(
    r"\b((?:[a-z]+ )?[a-z]+)"
    r"(?: (?:is|was|are|were|has been|have been|of|shows?|says|comes to)|:| =)"
    r"(?: (?:as|now|currently|still|already|just|marked))*"
    r" ?(?P<value>[$€£]?\d[\d,]*(?:\.\d+)?|[a-z]+)"
)
_STATE = ("status", "state")
_MOST = 2_000
"""The most values that are read of records."""


def measure(talk: Talk) -> Found | None:
    known = _known(talk)
    if not known or not talk.said or not talk.english:
        return None
    names = {field.rpartition(" ")[2] for field in known}
    claims, wrong = 0, list[tuple[int, str, str]]()
    for one in talk.said:
        if one.bag.isdisjoint(names):
            continue
        for field, claimed in _claims(one.straight, known):
            claims += 1
            if claimed not in known[field] and _same_kind(claimed, known[field]) and not _heard(claimed, talk):
                wrong.append((one.seq, field, claimed))
    if not wrong:
        return Found(1.0)
    _, field, claimed = wrong[0]
    instead = " or ".join(sorted(known[field])[:3])
    detail = f"{counted(len(wrong), 'claim')} against the records: of {field} they have {instead}, not {claimed}."
    return Found(0.5 - share_of(len(wrong), 2 * claims), True, detail, [seq for seq, _, _ in wrong])


def _claims(text: str, known: Mapping[str, set[str]]) -> Iterator[tuple[str, str]]:
    """(field, value) of what a text claims of known fields."""
    for match in _CLAIM.finditer(text):
        words = match[1]
        field = next((one for one in (words, words.rpartition(" ")[2]) if one in known), None)
        if field is not None:
            yield field, _plain(match["value"])


def _same_kind(claimed: str, known: set[str]) -> bool:
    if claimed[0].isdigit():
        return all(one[0].isdigit() for one in known)
    return claimed in STATES and known <= STATES


def _heard(claimed: str, talk: Talk) -> bool:
    return any(claimed in one.straight for one in talk.messages if not one.agent)


def _plain(value: str) -> str:
    """Numbers without currency, commas and zeros at the end; words in small letters."""
    text = value.strip().casefold().lstrip("$€£")
    if not text[:1].isdigit():
        return text
    text = text.replace(",", "")
    return text.rstrip("0").rstrip(".") if "." in text else text


@lru_cache(maxsize=2048)
def _names(field: str) -> tuple[str, ...]:
    """What a text may call a field."""
    words = [part.casefold() for part in _PART.findall(field)]
    return tuple(dict.fromkeys((" ".join(words[-2:]), *words[-1:])))


def _known(talk: Talk) -> dict[str, set[str]]:
    """The values of each field by what it may be called."""
    known = defaultdict[str, set[str]](set)
    values: list[Json] = []
    for kind, record in talk.records:
        values.append(dict(record))
        for state in (record.get(name) for name in _STATE):
            if isinstance(state, str):
                known[kind.casefold()].add(_plain(state))
    for call in talk.calls:
        values += (dict(call.arguments), call.value)
    left = _MOST
    while values and left:
        value, left = values.pop(), left - 1
        if isinstance(value, Mapping):
            for field, inner in value.items():
                if isinstance(inner, Mapping | list):
                    values.append(inner)
                elif (
                    isinstance(inner, str | int | float)
                    and not isinstance(inner, bool)
                    and (plain := _plain(str(inner)))
                ):
                    for name in _names(field):
                        known[name].add(plain)
        elif isinstance(value, list):
            values += value
    return known


METRIC = Metric("contradictions", 0.5, measure)
