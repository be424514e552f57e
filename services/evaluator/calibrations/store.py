"""Stores calibrations. The event log holds one event for each conversation that was measured."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Boolean, Column, Integer, LargeBinary, String

from services.evaluator.calibrations.errors import (
    CalibrationNotFound,
    CalibrationNotOver,
    CalibrationNotRetriable,
    CalibrationOver,
)
from services.evaluator.calibrations.model import Calibration, CalibrationSpec, Result
from services.evaluator.store import log, metadata, requests
from shared.db.documents import dump_document, load_document, reading_record
from shared.peers import pack_starter, unpack_starter
from shared.work.store import Kind, work_table

calibrations = work_table(
    "calibrations",
    metadata,
    Column("spec", LargeBinary, nullable=False),
    Column("starter", LargeBinary, nullable=False),
    Column("reads_people", Boolean, nullable=False),
    Column("position", String, nullable=False),
    Column("people", Integer, nullable=False),
    Column("personas", Integer, nullable=False),
    Column("left_out", Integer, nullable=False),
    Column("measurers", String, nullable=False),
    Column("summary", LargeBinary, nullable=False),  # of the result, what lists show
    Column("result", LargeBinary, nullable=False),
)

_RESULT = TypeAdapter(Result)


def result_columns(result: Result | None) -> dict[str, Any]:
    """The columns of a result."""
    if result is None:
        return {"summary": b"", "result": b""}
    brief = replace(result, groups=tuple(replace(one, measures=(), traits=()) for one in result.groups))
    return {"summary": _pack(brief), "result": _pack(result)}


def _pack(result: Result) -> bytes:
    return dump_document(_RESULT.dump_python(result, mode="json"))


def _write(body: Calibration) -> dict[str, Any]:
    spec = {name: getattr(body.spec, name) for name in CalibrationSpec.__dataclass_fields__}
    columns = {name: getattr(body, name) for name in Calibration.__dataclass_fields__ if name != "result"}
    return {
        **columns,
        **result_columns(body.result),
        "spec": dump_document(spec),
        "starter": pack_starter(body.starter),
    }


def _read(columns: Mapping[str, Any]) -> Calibration:
    record = load_document(columns["spec"])
    document = columns.get("result", columns["summary"])
    result = load_document(document) if document else None
    with reading_record():
        record.pop("v")
        given = {name: value for name, value in columns.items() if name != "summary"}
        return Calibration(
            **given
            | {
                "spec": CalibrationSpec(**record | {"conversations": tuple(record["conversations"])}),
                "starter": unpack_starter(columns["starter"]),
                "result": None if result is None else _RESULT.validate_python(result),
            }
        )


KIND = Kind(
    calibrations,
    log,
    requests,
    _write,
    _read,
    unlisted=("result",),
    waits=True,
    not_found=CalibrationNotFound,
    over=CalibrationOver,
    not_retriable=CalibrationNotRetriable,
    not_over=CalibrationNotOver,
)
"""Calibrations as long work."""
