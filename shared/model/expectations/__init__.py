"""What a conversation should show, in terms of its events: read from messages, checked, and judged.

A kind of expectation is one file here, a line in `KINDS`, and a message in expectation.proto.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from shared.errors import InvalidArgument, Violation
from shared.model.events import Json
from shared.model.expectations.base import CheckContext, Finding, Judgement, Kind
from shared.model.expectations.bound import MeasureBound
from shared.model.expectations.called import Called, NotCalled
from shared.model.expectations.collected import CollectedValue
from shared.model.expectations.condition import Holds
from shared.model.expectations.ends import EndReasons
from shared.model.expectations.exactly import Exactly
from shared.model.expectations.in_order import InOrder
from shared.model.expectations.language import check_condition, condition
from shared.model.expectations.resources import ResourceDiff
from shared.model.expectations.seen import Change, MadeCall, Seen
from shared.model.expectations.told import ToldValue
from shared.model.work_budget import TooMuchWork

KINDS: Mapping[str, type[Kind]] = {
    kind.kind: kind
    for kind in (
        Called,
        NotCalled,
        InOrder,
        Exactly,
        ResourceDiff,
        EndReasons,
        CollectedValue,
        ToldValue,
        MeasureBound,
        Holds,
    )
}
"""The kinds of expectations by name."""

__all__ = [
    "KINDS", "Change", "Expectation", "ExpectationsInvalid", "Finding", "Judgement", "Kind", "MadeCall", "Seen",
    "all_tools", "check_expectations", "expectation_json", "read_expectations",
]  # fmt: skip

_LONGEST_ID = 128
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9_.-]+")


class ExpectationsInvalid(InvalidArgument):
    """The expectations are not valid; the field violations say what would be right."""

    reason = "EXPECTATIONS_INVALID"


@dataclass(frozen=True, slots=True)
class Expectation:
    """One expectation. when: a CEL condition; where it does not hold, the expectation does not apply.

    record: its proto JSON as it was read, with its id. digest: equal for equal records.
    """

    id: str
    text: str
    when: str
    kind: Kind
    record: Mapping[str, Json]
    digest: str

    @classmethod
    def of(cls, name: str, kind: Kind, record: Mapping[str, Json]) -> "Expectation":
        """An expectation with this id and the `text` and `when` of its record."""
        record = {**record, "id": name}
        text, when = record.get("text") or kind.text, record.get("when", "")
        return cls(name, text, when, kind, record, sha256(_canonical(record).encode()).hexdigest())

    def judge(self, seen: Seen) -> Finding:
        """Whether the conversation meets it."""
        try:
            if self.when and not condition(self.when).holds(seen):
                return Finding(Judgement.NOT_APPLICABLE)
            return self.kind.judge(seen)
        except TooMuchWork:
            return Finding(Judgement.NOT_APPLICABLE, "It takes too much work on this conversation.")


def read_expectations(records: Iterable[Mapping[str, Any]]) -> tuple[Expectation, ...]:
    """The expectations in proto JSON with the field names of the proto. Those without an id get one of their own."""
    read = [(record, _kind(record)) for record in records]
    taken = {record.get("id", "") for record, _ in read}
    named = []
    for record, kind in read:
        name = record.get("id") or _free(_made_id(kind), taken)
        taken.add(name)
        named.append(Expectation.of(name, kind, record))
    return tuple(named)


def expectation_json(expectation: Expectation) -> dict[str, Json]:
    """The inverse of `read_expectations`, for one."""
    return dict(expectation.record)


def _kind(record: Mapping[str, Any]) -> Kind:
    name = next(name for name in KINDS if name in record)
    return KINDS[name].read(record[name])


def _made_id(kind: Kind) -> str:
    parts = [kind.kind, _NOT_IN_IDS.sub("_", kind.subject)]
    return "-".join(filter(None, parts))[:_LONGEST_ID]


def _free(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name[: _LONGEST_ID - 5]}-{number}"
    return free


def all_tools(revisions: Sequence[Mapping[str, Mapping[str, Json] | None]]) -> dict[str, Mapping[str, Json] | None]:
    """The tools of several revisions; one that they describe differently may have any arguments (None)."""
    names = dict.fromkeys(name for tools in revisions for name in tools)
    return {name: _common([tools[name] for tools in revisions if name in tools]) for name in names}


def _common(schemas: Sequence[Mapping[str, Json] | None]) -> Mapping[str, Json] | None:
    return schemas[0] if all(one == schemas[0] for one in schemas) else None


def check_expectations(
    expectations: Sequence[Expectation],
    tools: Mapping[str, Mapping[str, Json] | None] | None,
    path: str = "expectations",
) -> None:
    """Check conditions, patterns, and the names of tools and arguments. Raises ExpectationsInvalid.

    tools: see CheckContext. path: of the list of expectations, such as `revision.expectations`.
    """
    wrong = [*_wrong(expectations, CheckContext(tools), path)]
    if wrong:
        raise ExpectationsInvalid(violations=wrong)


def _wrong(expectations: Sequence[Expectation], context: CheckContext, path: str) -> Iterator[Violation]:
    ids = Counter(one.id for one in expectations)
    for number, one in enumerate(expectations):
        at = f"{path}[{number}]"
        if ids[one.id] > 1:
            yield Violation(f"{at}.id", f"The id `{one.id}` names {ids[one.id]} expectations; ids are unique.")
        if one.when:
            yield from check_condition(one.when, f"{at}.when", context)
        for wrong in one.kind.check(context):
            yield replace(wrong, field=f"{at}.{one.kind.kind}.{wrong.field}".rstrip("."))
