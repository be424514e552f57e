"""Stores workflows."""

from dataclasses import replace
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    LargeBinary,
    Row,
    Select,
    String,
    Table,
    delete,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.testdata.store import metadata, requests
from services.testdata.traces.digest import canonical_json, read_canonical
from services.testdata.workflows.errors import WorkflowExists, WorkflowNotFound
from services.testdata.workflows.model import PREFIX, StoredWorkflow
from shared.db.appends import insert_new
from shared.db.engine import Database
from shared.db.ledger import claim
from shared.db.lists import newest_time, page
from shared.lists import Listed, Part
from shared.requests import RequestKey, first_result

workflows = Table(
    "workflows",
    metadata,
    Column("company", String, primary_key=True),
    Column("name", String, primary_key=True),  # the name in the spec
    Column("digest", String, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Column("update_time", BigInteger, nullable=False),
    Index(None, "company", "create_time", "name"),
)


class WorkflowStore:
    """The workflows of all companies, without the built-in ones."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def create(self, company: str, workflow: StoredWorkflow, key: RequestKey | None) -> StoredWorkflow:
        """Store it, or return what the same request stored before.

        Raises WorkflowExists, RequestIdReused, ResultDeleted.
        """

        async def work(conn: AsyncConnection) -> StoredWorkflow:
            earlier = await claim(requests, conn, company, key, workflow.name)
            if key is not None and earlier is not None:
                return await first_result(key, earlier, _get(conn, company, earlier))
            columns = workflows.c
            time = await newest_time(conn, columns.create_time, columns.company == company, workflow.create_time)
            row = {"company": company, "create_time": time, **_columns(workflow)}
            inserted = await conn.execute(insert_new(workflows, conn.dialect.name), row)
            if inserted.first() is None:
                raise WorkflowExists(name=workflow.name)
            return replace(workflow, create_time=time)

        return await self._db.writer.run(work)

    async def get(self, company: str, name: str) -> StoredWorkflow:
        """The workflow of that name. Raises WorkflowNotFound."""
        found = await self._db.fetch(_of_name(company, name))
        if not found:
            raise WorkflowNotFound(name=name)
        return _read(found[0])

    async def page(self, company: str, part: Part) -> Listed[StoredWorkflow]:
        """A part of the company's workflows, newest first."""
        columns = workflows.c
        query = select(workflows).where(columns.company == company)
        return await page(self._db, query, columns.name, part, _read, columns.create_time)

    async def replace(self, company: str, workflow: StoredWorkflow) -> StoredWorkflow:
        """Replace the workflow of this name and keep its create_time. Raises WorkflowNotFound."""

        async def work(conn: AsyncConnection) -> StoredWorkflow:
            replaced = (
                update(workflows)
                .where(workflows.c.company == company, workflows.c.name == workflow.workflow.name)
                .values(_columns(workflow))
                .returning(*workflows.c)
            )
            row = (await conn.execute(replaced)).first()
            if row is None:
                raise WorkflowNotFound(name=workflow.name)
            return _read(row)

        return await self._db.writer.run(work)

    async def delete(self, company: str, name: str) -> None:
        """Delete a workflow. Raises WorkflowNotFound."""

        async def work(conn: AsyncConnection) -> None:
            gone = delete(workflows).where(
                workflows.c.company == company, workflows.c.name == name.removeprefix(PREFIX)
            )
            if (await conn.execute(gone.returning(workflows.c.name))).first() is None:
                raise WorkflowNotFound(name=name)

        await self._db.writer.run(work)


def _of_name(company: str, name: str) -> Select[Any]:
    return select(workflows).where(workflows.c.company == company, workflows.c.name == name.removeprefix(PREFIX))


async def _get(conn: AsyncConnection, company: str, name: str) -> StoredWorkflow:
    row = (await conn.execute(_of_name(company, name))).first()
    if row is None:
        raise WorkflowNotFound(name=name)
    return _read(row)


def _columns(workflow: StoredWorkflow) -> dict[str, Any]:
    return {
        "name": workflow.workflow.name,
        "digest": workflow.digest,
        "document": canonical_json(workflow.workflow),
        "update_time": workflow.update_time,
    }


def _read(row: Row[Any]) -> StoredWorkflow:
    workflow = read_canonical(row.document)
    return StoredWorkflow(workflow, row.digest, create_time=row.create_time, update_time=row.update_time)
