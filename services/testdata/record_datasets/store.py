"""Stores datasets of records; the event log holds one event for each part."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, String

from services.testdata.datasets.errors import (
    DatasetNotCancellable,
    DatasetNotFound,
    DatasetNotOver,
    DatasetNotRetriable,
    DestinationTaken,
)
from services.testdata.datasets.store import PlacedStore
from services.testdata.record_datasets.model import RecordDataset, RecordDatasetSpec
from services.testdata.records.formats import Format
from services.testdata.store import log, metadata, requests
from shared.db.documents import dump_document, load_document, reading_record
from shared.db.engine import Database
from shared.db.eventlog import EventLog
from shared.db.packs import dump_pack, load_pack
from shared.work.store import Kind, work_table

record_datasets = work_table(
    "record_datasets",
    metadata,
    Column("spec", LargeBinary, nullable=False),
    Column("pack", LargeBinary, nullable=False),
    Column("pack_digest", String, nullable=False),
    Column("location", String, nullable=False),
    Column("claimed", Boolean, nullable=False),
    Column("cell_count", BigInteger, nullable=False),
    Column("part_count", Integer, nullable=False),
    Column("parts_done", Integer, nullable=False),
    Column("record_count", BigInteger, nullable=False),
    Column("records_done", BigInteger, nullable=False),
    Column("byte_count", BigInteger, nullable=False),
    Column("checks", LargeBinary, nullable=False),
)


class RecordDatasetStore(PlacedStore[RecordDataset]):
    """The datasets of records of all companies."""

    def __init__(self, db: Database, event_log: EventLog) -> None:
        super().__init__(_KIND, db, event_log)


def _write(dataset: RecordDataset) -> dict[str, Any]:
    assert dataset.pack is not None
    return {
        **{name: getattr(dataset, name) for name in RecordDataset.__dataclass_fields__},
        "spec": dump_document(asdict(dataset.spec)),
        "pack": dump_pack(dataset.pack),
    }


def _read(columns: Mapping[str, Any]) -> RecordDataset:
    stored, spec = columns.get("pack"), load_document(columns["spec"])
    with reading_record():
        del spec["v"]
        spec = RecordDatasetSpec(**{**spec, "format": Format(spec["format"])})
    pack = None if stored is None else load_pack(stored)
    return RecordDataset(**{**columns, "spec": spec, "pack": pack})


_KIND = Kind(
    record_datasets,
    log,
    requests,
    _write,
    _read,
    unlisted=["pack", "checks"],
    taken=lambda dataset: DestinationTaken(destination=dataset.spec.destination),
    not_found=DatasetNotFound,
    over=DatasetNotCancellable,
    not_retriable=DatasetNotRetriable,
    not_over=DatasetNotOver,
)
