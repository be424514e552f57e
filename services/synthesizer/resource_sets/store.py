"""Stores resource sets: a row for each set and for each resource."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    Row,
    Select,
    String,
    Table,
    delete,
    insert,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.synthesizer.errors import StillReferredTo
from services.synthesizer.resource_sets.errors import ResourceNotFound, ResourceSetExists, ResourceSetNotFound
from services.synthesizer.resource_sets.model import PREFIX, NewResource, ResourceSet, split_name
from services.synthesizer.store import Referring, metadata
from shared.db.appends import insert_new
from shared.db.documents import reading_record
from shared.db.engine import Database
from shared.db.lists import newest_time, page
from shared.lists import Listed, Part
from shared.model.world import Base, Data

resource_sets = Table(
    "resource_sets",
    metadata,
    Column("company", String, primary_key=True),
    Column("id", String, primary_key=True),  # as its importer chose it
    Column("digest", String, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("types", String, nullable=False),  # a JSON object: the number of resources by type
    Column("creator", String, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Index(None, "company", "create_time", "id"),
)

resources = Table(
    "resources",
    metadata,
    Column("company", String, primary_key=True),
    Column("resource_set", String, primary_key=True),
    Column("place", Integer, primary_key=True),  # in the file, from 0
    Column("type", String, nullable=False),
    Column("id", String, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Index(None, "company", "resource_set", "type", "id"),
)

_INSERTED_AT_ONCE = 500


class ResourceSetStore:
    """The resource sets of all companies."""

    def __init__(self, db: Database, referring: Referring) -> None:
        self._db = db
        self._referring = referring

    async def create(self, company: str, new: ResourceSet, content: Sequence[NewResource]) -> ResourceSet:
        """Store a set, or return the one of its name if it has the same content. Raises ResourceSetExists."""

        async def work(conn: AsyncConnection) -> ResourceSet:
            columns = resource_sets.c
            time = await newest_time(conn, columns.create_time, columns.company == company, new.create_time)
            created = replace(new, create_time=time)
            inserted = await conn.execute(insert_new(resource_sets, conn.dialect.name), _row(company, created))
            if inserted.first() is None:
                there = _read((await conn.execute(_of_name(company, new.name))).one())
                if there.digest != new.digest:
                    raise ResourceSetExists(name=new.name)
                return there
            rows = [_resource_row(company, new.id, place, resource) for place, resource in enumerate(content)]
            for start in range(0, len(rows), _INSERTED_AT_ONCE):
                await conn.execute(insert(resources), rows[start : start + _INSERTED_AT_ONCE])
            return created

        return await self._db.writer.run(work)

    async def get(self, company: str, name: str) -> ResourceSet:
        """The set of that name. Raises ResourceSetNotFound."""
        found = await self._db.fetch(_of_name(company, name))
        if not found:
            raise ResourceSetNotFound(name=name)
        return _read(found[0])

    async def page(self, company: str, part: Part) -> Listed[ResourceSet]:
        """A part of the company's sets, newest first."""
        columns = resource_sets.c
        query = select(resource_sets).where(columns.company == company)
        return await page(self._db, query, columns.id, part, _read, columns.create_time)

    async def content(self, company: str, name: str) -> tuple[Base, int]:
        """The resources of a set, or the single one, that a name of `mock_resources` means, and their bytes as JSON.

        They are in the order of the file. Raises ResourceSetNotFound, ResourceNotFound.
        """
        key, single = split_name(name)
        await self.get(company, PREFIX + key)
        columns = resources.c
        query = select(columns.type, columns.id, columns.document).where(
            columns.company == company, columns.resource_set == key
        )
        if single is not None:
            query = query.where(columns.type == single[0], columns.id == single[1])
        rows = await self._db.fetch(query.order_by(columns.place))
        if single is not None and not rows:
            raise ResourceNotFound(name=name)
        return await asyncio.to_thread(_decoded, rows), sum(len(row.document) for row in rows)

    async def delete(self, company: str, name: str) -> None:
        """Delete a set. Raises ResourceSetNotFound, StillReferredTo."""
        key = name.removeprefix(PREFIX)

        async def work(conn: AsyncConnection) -> None:
            if (await conn.execute(_of_name(company, name).with_for_update())).first() is None:
                raise ResourceSetNotFound(name=name)
            if (by := await self._referring(conn, company, key)) is not None:
                raise StillReferredTo(name=name, by=by)
            mine = (resources.c.company == company) & (resources.c.resource_set == key)
            await conn.execute(delete(resources).where(mine))
            columns = resource_sets.c
            await conn.execute(delete(resource_sets).where(columns.company == company, columns.id == key))

        await self._db.writer.run(work)


def _decoded(rows: Sequence[Any]) -> Base:
    found: dict[str, dict[str, Data]] = {}
    with reading_record():
        for row in rows:
            found.setdefault(row.type, {})[row.id] = json.loads(row.document)
    return found


def _of_name(company: str, name: str) -> Select[Any]:
    columns = resource_sets.c
    return select(resource_sets).where(columns.company == company, columns.id == name.removeprefix(PREFIX))


def _row(company: str, new: ResourceSet) -> dict[str, object]:
    return {
        "company": company,
        "id": new.id,
        "digest": new.digest,
        "size": new.size,
        "types": json.dumps(new.types),
        "creator": new.creator,
        "create_time": new.create_time,
    }


def _resource_row(company: str, key: str, place: int, resource: NewResource) -> dict[str, object]:
    return {
        "company": company,
        "resource_set": key,
        "place": place,
        "type": resource.type,
        "id": resource.id,
        "document": resource.document,
    }


def _read(row: Row[Any]) -> ResourceSet:
    return ResourceSet(PREFIX + row.id, row.digest, row.size, row.creator, row.create_time, json.loads(row.types))
