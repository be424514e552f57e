"""Stores learnings; the event log holds their progress."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import BigInteger, Column, LargeBinary

from services.testdata.learnings.errors import (
    LearningNotCancellable,
    LearningNotFound,
    LearningNotOver,
    LearningNotRetriable,
)
from services.testdata.learnings.model import Learning, LearningSpec
from services.testdata.store import log, metadata, requests
from services.testdata.traces.logs.formats import Columns, LogFormat, LogKind
from shared.db.documents import load_document
from shared.work.store import Kind, WorkStore, work_table

LearningStore = WorkStore[Learning]

learnings = work_table(
    "learnings",
    metadata,
    Column("spec", LargeBinary),
    Column("result", LargeBinary),
    Column("bytes_done", BigInteger, nullable=False),
    Column("byte_count", BigInteger, nullable=False),
)


def write_spec(spec: LearningSpec) -> bytes:
    """The spec as JSON."""
    return json.dumps(asdict(spec), ensure_ascii=False).encode()


def read_spec(document: bytes) -> LearningSpec:
    """The inverse of `write_spec`."""
    record = load_document(document)
    if (given := record["log_format"]) is not None:
        record["log_format"] = LogFormat(LogKind(given["kind"]), Columns(**given["columns"]), given["session_gap"])
    return LearningSpec(**record)


def _write(learning: Learning) -> dict[str, Any]:
    return {
        "spec": None if learning.spec is None else write_spec(learning.spec),
        "result": learning.result,
        "bytes_done": learning.bytes_done,
        "byte_count": learning.byte_count,
    }


def _read(columns: Mapping[str, Any]) -> Learning:
    spec = columns["spec"]
    return Learning(**{**columns, "spec": None if spec is None else read_spec(spec)})


LEARNINGS = Kind(
    learnings,
    log,
    requests,
    _write,
    _read,
    unlisted=["result"],
    continues=False,
    not_found=LearningNotFound,
    over=LearningNotCancellable,
    not_retriable=LearningNotRetriable,
    not_over=LearningNotOver,
)
