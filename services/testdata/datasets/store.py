"""Stores datasets; the event log holds one event for each part."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, TypeVar

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, String, Table, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.testdata.datasets.errors import (
    DatasetNotCancellable,
    DatasetNotFound,
    DatasetNotOver,
    DatasetNotRetriable,
    DestinationTaken,
)
from services.testdata.datasets.model import (
    Dataset,
    DatasetSpec,
    InParts,
    Part,
    parameters_json,
    read_parameters,
    unpack_part,
)
from services.testdata.store import log, metadata, requests
from services.testdata.traces.digest import canonical_json, read_canonical
from services.testdata.traces.formats import Format
from shared.db.appends import insert_new
from shared.db.documents import load_document
from shared.db.engine import Database
from shared.db.eventlog import EventLog
from shared.work.model import Work
from shared.work.store import Kind, WorkStore, work_table

D = TypeVar("D", bound=InParts)

datasets = work_table(
    "datasets",
    metadata,
    Column("spec", LargeBinary, nullable=False),
    Column("workflow", LargeBinary, nullable=False),
    Column("workflow_digest", String, nullable=False),
    Column("algorithm", String, nullable=False),
    Column("location", String, nullable=False, unique=True),
    Column("claimed", Boolean, nullable=False),
    Column("part_count", Integer, nullable=False),
    Column("parts_done", Integer, nullable=False),
    Column("sessions_done", BigInteger, nullable=False),
    Column("call_count", BigInteger, nullable=False),
    Column("byte_count", BigInteger, nullable=False),
)


locations = Table("dataset_locations", metadata, Column("location", String, primary_key=True))
"""The locations of the datasets of all nouns, so that no two have the same."""


class PlacedStore(WorkStore[D]):
    """The datasets of one noun and all companies."""

    async def has(self, location: str) -> bool:
        """True if a dataset of any noun and company has this location."""
        return bool(await self._db.fetch(select(locations).where(locations.c.location == location)))

    async def creating(self, conn: AsyncConnection, work: Work[D]) -> None:
        """Take its location. Raises DestinationTaken."""
        row = {"location": work.body.location}
        if (await conn.execute(insert_new(locations, conn.dialect.name), row)).first() is None:
            raise self.kind.taken(work.body)

    async def removing(self, conn: AsyncConnection, work: Work[D]) -> None:
        """Leave its location to others."""
        await conn.execute(delete(locations).where(locations.c.location == work.body.location))


class DatasetStore(PlacedStore[Dataset]):
    """The datasets of traces."""

    def __init__(self, db: Database, event_log: EventLog) -> None:
        super().__init__(_KIND, db, event_log)

    async def parts(self, dataset: Work[Dataset]) -> list[Part]:
        """The parts that are written, in order."""
        return [unpack_part(event) for event in await self.events(dataset)]


def _write(dataset: Dataset) -> dict[str, Any]:
    assert dataset.workflow is not None
    spec = {**asdict(dataset.spec), "parameters": parameters_json(dataset.spec.parameters)}
    return {
        **{name: getattr(dataset, name) for name in Dataset.__dataclass_fields__},
        "spec": json.dumps(spec, ensure_ascii=False, separators=(",", ":")).encode(),
        "workflow": canonical_json(dataset.workflow),
    }


def _read(columns: Mapping[str, Any]) -> Dataset:
    workflow, spec = columns.get("workflow"), load_document(columns["spec"])
    spec |= {"parameters": read_parameters(spec["parameters"]), "format": Format(spec["format"])}
    chain = None if workflow is None else read_canonical(workflow)
    return Dataset(**{**columns, "spec": DatasetSpec(**spec), "workflow": chain})


_KIND = Kind(
    datasets,
    log,
    requests,
    _write,
    _read,
    unlisted=["workflow"],
    taken=lambda dataset: DestinationTaken(destination=dataset.spec.destination),
    not_found=DatasetNotFound,
    over=DatasetNotCancellable,
    not_retriable=DatasetNotRetriable,
    not_over=DatasetNotOver,
)
