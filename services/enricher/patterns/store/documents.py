"""Requests and plans as documents of the store."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from services.enricher.patterns.model import Plan, Request
from shared.db.documents import dump_document, load_document, reading_record
from shared.model.packs.model import Constraint


def dump(request: Request, plan: Plan) -> bytes:
    """A request and a plan as they are stored."""
    return dump_document({"request": asdict(request), "plan": asdict(plan)})


def load(document: bytes) -> tuple[Request, Plan]:
    """What `dump` wrote. Raises RecordDamaged."""
    record = load_document(document)
    with reading_record():
        return Request(**_read(record["request"])), Plan(**_read(record["plan"]))


def _read(record: Mapping[str, Any]) -> dict[str, Any]:
    constraints = (Constraint(**one | {"values": tuple(one["values"])}) for one in record["constraints"])
    return dict(record) | {"hints": tuple(record["hints"]), "constraints": tuple(constraints)}
