"""Interactions as bytes: compact JSON without the members that have their defaults."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import MISSING, fields
from operator import attrgetter
from typing import Any

from shared.model.campaigns.interactions import Interaction, Response, Status
from shared.model.campaigns.model import Channel
from shared.model.events import Json, Sentiment


def pack_rows(rows: Iterable[Interaction]) -> bytes:
    """The rows as they are stored. Raises ValueError for a number that JSON does not have."""
    return _encode([_record(row) for row in rows]).encode()


def unpack_rows(data: bytes) -> Sequence[Interaction]:
    """The rows in what `pack_rows` made."""
    return [_row(record) for record in json.loads(data)]


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def _defaults(part: type) -> dict[str, Any]:
    return {one.name: one.default if one.default_factory is MISSING else one.default_factory() for one in fields(part)}


_ROW, _RESPONSE = _defaults(Interaction), _defaults(Response)
_members, _answered = attrgetter(*_ROW), attrgetter(*_RESPONSE)


def _record(row: Interaction) -> dict[str, Json]:
    record = {
        name: value for (name, default), value in zip(_ROW.items(), _members(row), strict=True) if value != default
    }
    if row.response is not None:
        values = zip(_RESPONSE.items(), _answered(row.response), strict=True)
        record["response"] = {name: value for (name, default), value in values if value != default}
    return record


def _row(record: dict[str, Any]) -> Interaction:
    if "channel" in record:
        record["channel"] = Channel(record["channel"])
    if "status" in record:
        record["status"] = Status(record["status"])
    if "response" in record:
        response = record["response"]
        if "sentiment" in response:
            response["sentiment"] = Sentiment(response["sentiment"])
        record["response"] = Response(**response)
    for name in ("add_tags", "remove_tags"):
        if name in record:
            record[name] = tuple(record[name])
    return Interaction(**record)
