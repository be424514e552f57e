"""Stores rehearsals; the event log holds an event for each phase and each child that is started."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Boolean, Column, Dialect, Integer, LargeBinary, String, TypeDecorator

from services.gateway.rehearsals.errors import (
    RehearsalNotFound,
    RehearsalNotOver,
    RehearsalNotRetriable,
    RehearsalOver,
)
from services.gateway.rehearsals.model import Phase, Rehearsal, Side
from services.gateway.store import log, metadata, requests
from shared.db.documents import load_document, reading_record
from shared.peers import pack_starter, unpack_starter
from shared.work.model import State
from shared.work.store import Kind, work_table


class _Sides(TypeDecorator[tuple[Side, ...]]):
    """The sides as JSON."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: tuple[Side, ...] | None, dialect: Dialect) -> bytes:  # noqa: ARG002
        return json.dumps([asdict(side) for side in value or ()], separators=(",", ":")).encode()

    def process_result_value(self, value: Any, dialect: Dialect) -> tuple[Side, ...]:  # noqa: ARG002
        with reading_record():
            return tuple(_side(side) for side in load_document(value))


def _side(record: Mapping[str, Any]) -> Side:
    lists = {name: tuple(record.get(name, ())) for name in ("earlier", "judged_before")}
    return Side(**{**record, **lists})


rehearsals = work_table(
    "rehearsals",
    metadata,
    Column("spec", LargeBinary, nullable=False),
    Column("starter", LargeBinary, nullable=False),
    Column("sides", _Sides, nullable=False),
    Column("phase", String, nullable=False),
    Column("report", String, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("resumed", Boolean, nullable=False),
    Column("resources", String, nullable=False, server_default=""),
    Column("pairs", Integer, nullable=False, server_default="0"),
)


def _write(rehearsal: Rehearsal) -> dict[str, Any]:
    columns = {name: getattr(rehearsal, name) for name in Rehearsal.__dataclass_fields__}
    return {**columns, "starter": pack_starter(rehearsal.starter)}


def _read(columns: Mapping[str, Any]) -> Rehearsal:
    with reading_record():
        starter, phase = unpack_starter(columns["starter"]), Phase(columns["phase"])
    return Rehearsal(**{**columns, "starter": starter, "phase": phase})


REHEARSALS = Kind(
    rehearsals,
    log,
    requests,
    _write,
    _read,
    waits=True,
    retriable=(State.FAILED, State.COMPLETED),
    not_found=RehearsalNotFound,
    over=RehearsalOver,
    not_retriable=RehearsalNotRetriable,
    not_over=RehearsalNotOver,
)
