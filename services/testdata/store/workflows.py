"""Workflows at rest."""

from typing import Any

from sqlalchemy import Row, Select, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.testdata.store.requests import claim
from services.testdata.store.tables import workflows
from services.testdata.traces.digest import canonical_json, read_canonical
from services.testdata.traces.errors import WorkflowExists, WorkflowNotFound
from services.testdata.traces.kept import PREFIX, KeptWorkflow
from shared.db.appends import insert_new
from shared.db.engine import Database
from shared.requests import RequestKey, first_result


class Workflows:
    """A company's own workflows; the built-in ones are no rows."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def create(self, company: str, workflow: KeptWorkflow, key: RequestKey | None) -> KeptWorkflow:
        """Keep it, or return what the same request kept.

        Raises WorkflowExists, RequestIdReused, ResultDeleted.
        """

        async def work(conn: AsyncConnection) -> KeptWorkflow:
            earlier = await claim(conn, company, key, workflow.name)
            if key is not None and earlier is not None:
                return await first_result(key, earlier, _get(conn, company, earlier))
            row = {"company": company, "create_time": workflow.create_time, **_columns(workflow)}
            inserted = await conn.execute(insert_new(workflows, conn.dialect.name), row)
            if inserted.first() is None:
                raise WorkflowExists(name=workflow.name)
            return workflow

        return await self._db.writer.run(work)

    async def get(self, company: str, name: str) -> KeptWorkflow:
        """Raises WorkflowNotFound."""
        found = await self._db.fetch(_of_name(company, name))
        if not found:
            raise WorkflowNotFound(name=name)
        return _read(found[0])

    async def page(self, company: str, after: str, limit: int) -> list[KeptWorkflow]:
        """Up to limit by name, behind the one with the name after; "" for the beginning."""
        rows = (
            select(workflows)
            .where(workflows.c.company == company, workflows.c.name > after.removeprefix(PREFIX))
            .order_by(workflows.c.name)
            .limit(limit)
        )
        return [_read(row) for row in await self._db.fetch(rows)]

    async def replace(self, company: str, workflow: KeptWorkflow) -> KeptWorkflow:
        """Keep it in the place of the one of its name, with that one's create_time. Raises WorkflowNotFound."""

        async def work(conn: AsyncConnection) -> KeptWorkflow:
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
        """Raises WorkflowNotFound."""

        async def work(conn: AsyncConnection) -> None:
            gone = delete(workflows).where(
                workflows.c.company == company, workflows.c.name == name.removeprefix(PREFIX)
            )
            if (await conn.execute(gone.returning(workflows.c.name))).first() is None:
                raise WorkflowNotFound(name=name)

        await self._db.writer.run(work)


def _of_name(company: str, name: str) -> Select[Any]:
    return select(workflows).where(workflows.c.company == company, workflows.c.name == name.removeprefix(PREFIX))


async def _get(conn: AsyncConnection, company: str, name: str) -> KeptWorkflow:
    row = (await conn.execute(_of_name(company, name))).first()
    if row is None:
        raise WorkflowNotFound(name=name)
    return _read(row)


def _columns(workflow: KeptWorkflow) -> dict[str, Any]:
    return {
        "name": workflow.workflow.name,
        "digest": workflow.digest,
        "document": canonical_json(workflow.workflow),
        "update_time": workflow.update_time,
    }


def _read(row: Row[Any]) -> KeptWorkflow:
    workflow = read_canonical(row.document)
    return KeptWorkflow(workflow, row.digest, create_time=row.create_time, update_time=row.update_time)
