"""Conditions of campaigns: CEL over the contact's declared fields and what happened, with a boolean result."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.model.campaigns.model import EMPTY, Field, FieldType, Weekday, has_type
from shared.model.events import Json
from shared.model.expressions import INT, NUMBER, OBJECT, TEXT, TEXTS, TRUTH, BadExpression, Expression, Expressions

_TYPES: Mapping[FieldType, Any] = {
    FieldType.TEXT: TEXT,
    FieldType.INTEGER: INT,
    FieldType.NUMBER: NUMBER,
    FieldType.BOOLEAN: TRUTH,
    FieldType.DATE: TEXT,
}
NAMES: Mapping[str, Any] = {
    "reply": TEXT,
    "sentiment": NUMBER,
    "clicks": INT,
    "opens": INT,
    "tags": TEXTS,
    "time.date": TEXT,
    "time.weekday": TEXT,
    "time.hour": INT,
    "time.minute": INT,
    "time.day": INT,
    "results": OBJECT,
}
"""The names besides the contact's fields, with their types; `Facts` says what they mean."""
_MIXED = re.compile(r"'\((?:double, int|int, double)\)'")


@dataclass(frozen=True, slots=True)
class Facts:
    """What conditions are evaluated on.

    contact: its fields. tags: its tags, sorted. reply, sentiment: the last reply, and how it sounds from -1 to 1; ""
    and 0 before the first. clicks, opens: how often the contact clicked a link, or opened an e-mail, in this campaign.
    date, weekday, hour, minute: now at the contact's place. day: full days since the contact entered.
    results: the last answer of each webhook by tool.
    """

    contact: Mapping[str, Json] = field(default_factory=dict, hash=False)
    tags: tuple[str, ...] = ()
    reply: str = ""
    sentiment: float = 0.0
    clicks: int = 0
    opens: int = 0
    date: str = ""
    weekday: Weekday = Weekday.MONDAY
    hour: int = 0
    minute: int = 0
    day: int = 0
    results: Mapping[str, Json] = field(default_factory=dict, hash=False)


class Conditions:
    """Compiles the conditions of a campaign whose contacts have the given fields; equal ones only once."""

    def __init__(self, contact: Iterable[Field]) -> None:
        self._fields = tuple(contact)
        names = {f"contact.{one.name}": _TYPES[one.type] for one in self._fields}
        self._expressions = Expressions({**names, **NAMES}, "condition")
        self._known: dict[str, Expression | BadExpression] = {}

    def compile(self, source: str) -> Expression:
        """Compile a condition; raises BadExpression. Its `holds` takes what `values` returns."""
        if source not in self._known:
            try:
                self._known[source] = self._expressions.condition(source)
            except BadExpression as bad:
                mixed = " Write a whole number beside a number with a point, as in `sentiment > 0.0`."
                self._known[source] = BadExpression(f"{bad}{mixed}") if _MIXED.search(str(bad)) else bad
        found = self._known[source]
        if isinstance(found, BadExpression):
            raise found
        return found

    def values(self, facts: Facts) -> dict[str, Any]:
        """The facts by the names that conditions use. A field that the contact lacks has its default or is empty.

        Raises BadExpression for a field whose value is not of its type, which an update of the contact may give it.
        """
        contact = {f"contact.{one.name}": _value(one, facts.contact.get(one.name)) for one in self._fields}
        return {
            **contact,
            "reply": facts.reply,
            "sentiment": facts.sentiment,
            "clicks": facts.clicks,
            "opens": facts.opens,
            "tags": list(facts.tags),
            "time.date": facts.date,
            "time.weekday": facts.weekday.value,
            "time.hour": facts.hour,
            "time.minute": facts.minute,
            "time.day": facts.day,
            "results": facts.results,
        }


def _value(declared: Field, value: Json) -> Json:
    if value is None:
        value = declared.default
    if value is None:
        return EMPTY[declared.type]
    if not has_type(value, declared.type):
        raise BadExpression(f"The field `{declared.name}` is {str(value)[:60]!r}, which is no {declared.type}.")
    return float(value) if declared.type is FieldType.NUMBER else value
