"""Stores the schemas that companies register."""

from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Row, String, Table, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.testdata.records.errors import SchemaExists, SchemaNotFound
from services.testdata.records.schemas import PREFIX, Schema, SchemaEntity
from services.testdata.store import metadata, requests
from shared.db.appends import insert_new
from shared.db.documents import dump_document, load_document, reading_record
from shared.db.engine import Database
from shared.db.ledger import claim
from shared.db.lists import newest_time, page
from shared.lists import Listed, Part
from shared.requests import RequestKey, first_result
from shared.yaml import near

schemas = Table(
    "record_schemas",
    metadata,
    Column("company", String, primary_key=True),
    Column("name", String, primary_key=True),  # without its prefix
    Column("digest", String, nullable=False),
    Column("pack", LargeBinary, nullable=False),
    Column("summary", LargeBinary, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Index(None, "company", "create_time", "name"),
)
_NEAR = 1_000
"""Names that are compared with one that does not exist."""


class SchemaStore:
    """The schemas of all companies."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def create(self, company: str, schema: Schema, pack: bytes, digest: str, key: RequestKey | None) -> Schema:
        """Store it, or return the stored one if that has the same content.

        pack: its document. Raises SchemaExists, RequestIdReused, ResultDeleted.
        """
        own = schema.name.removeprefix(PREFIX)

        async def work(conn: AsyncConnection) -> Schema:
            earlier = await claim(requests, conn, company, key, own)
            if key is not None and earlier is not None:
                return await first_result(key, earlier, _get(conn, company, earlier))
            time = await newest_time(conn, schemas.c.create_time, schemas.c.company == company, schema.create_time)
            made = replace(schema, create_time=time)
            row = {
                "company": company,
                "name": own,
                "digest": digest,
                "pack": pack,
                "summary": dump_document(asdict(made)),
                "create_time": time,
            }
            inserted = await conn.execute(insert_new(schemas, conn.dialect.name), row)
            if inserted.first() is None:
                there = (await conn.execute(_of_name(company, own))).first()
                if there is None or there.digest != digest:
                    raise SchemaExists(name=schema.name)
                return _read(there)
            return made

        return await self._db.writer.run(work)

    async def get(self, company: str, name: str) -> tuple[Schema, bytes]:
        """A schema and the document of its pack. Raises SchemaNotFound with the nearest name."""
        found = await self._db.fetch(_of_name(company, name.removeprefix(PREFIX)))
        if not found:
            query = select(schemas.c.name).where(schemas.c.company == company).limit(_NEAR)
            names = [PREFIX + row.name for row in await self._db.fetch(query)]
            raise SchemaNotFound(name=name, hint=near(name, names) or "")
        return _read(found[0]), found[0].pack

    async def page(self, company: str, part: Part) -> Listed[Schema]:
        """A part of the company's schemas, newest first."""
        query = select(schemas).where(schemas.c.company == company)
        return await page(self._db, query, schemas.c.name, part, _read, schemas.c.create_time)

    async def delete(self, company: str, name: str) -> None:
        """Delete a schema. Raises SchemaNotFound."""

        async def work(conn: AsyncConnection) -> None:
            gone = delete(schemas).where(schemas.c.company == company, schemas.c.name == name.removeprefix(PREFIX))
            if (await conn.execute(gone.returning(schemas.c.name))).first() is None:
                raise SchemaNotFound(name=name, hint="")

        await self._db.writer.run(work)


def _of_name(company: str, own: str) -> Any:
    return select(schemas).where(schemas.c.company == company, schemas.c.name == own)


async def _get(conn: AsyncConnection, company: str, own: str) -> Schema:
    row = (await conn.execute(_of_name(company, own))).first()
    if row is None:
        raise SchemaNotFound(name=PREFIX + own, hint="")
    return _read(row)


def _read(row: Row[Any]) -> Schema:
    record = load_document(row.summary)
    with reading_record():
        del record["v"]
        entities = (SchemaEntity(**{**one, "parents": tuple(one["parents"])}) for one in record.pop("entities"))
        return Schema(**{**record, "entities": tuple(entities), "scenarios": tuple(record["scenarios"])})
