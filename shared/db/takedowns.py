"""The table in which an engine counts the ends of its process; see shared.engine.takedowns."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Integer,
    MetaData,
    String,
    Table,
    and_,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.engine import Database

Key = tuple[str, str]
"""The kind and the id of a job."""
PROCESS: Key = ("", "")
"""The key of the row that exists while a process runs jobs."""


@dataclass(frozen=True, slots=True)
class Count:
    """What is known of a job that had begun.

    progress: as the process began. times: ends of a process in a row without progress. times_alone: of these, ends at
    which no other job ran. alone: True while it runs alone.
    """

    progress: int = 0
    times: int = 0
    times_alone: int = 0
    alone: bool = False


def takedowns_table(metadata: MetaData) -> Table:
    """Declare the table in a service's metadata: one row a job that had begun when a process took over."""
    return Table(
        "takedowns",
        metadata,
        Column("kind", String, primary_key=True),
        Column("id", String, primary_key=True),
        Column("progress", BigInteger, nullable=False),
        Column("times", Integer, nullable=False),
        Column("times_alone", Integer, nullable=False),
        Column("alone", Boolean, nullable=False),
    )


class TakedownStore:
    """Reads and writes the table. Every method is one transaction and raises StoreUnavailable."""

    def __init__(self, db: Database, table: Table) -> None:
        self._db = db
        self._table = table

    async def read(self) -> dict[Key, Count]:
        """All rows."""
        return {
            (row.kind, row.id): Count(row.progress, row.times, row.times_alone, row.alone)
            for row in await self._db.fetch(select(self._table))
        }

    async def replace(self, counts: Mapping[Key, Count]) -> None:
        """Replace all rows by these."""

        async def write(conn: AsyncConnection) -> None:
            await conn.execute(delete(self._table))
            rows = [{"kind": kind, "id": own, **asdict(count)} for (kind, own), count in counts.items()]
            await conn.execute(insert(self._table), rows)

        await self._db.writer.run(write)

    async def change(self, key: Key, **values: int) -> None:
        """Change columns of a row."""

        async def write(conn: AsyncConnection) -> None:
            await conn.execute(update(self._table).where(self._of(key)).values(**values))

        await self._db.writer.run(write)

    async def remove(self, key: Key) -> None:
        """Remove a row."""

        async def write(conn: AsyncConnection) -> None:
            await conn.execute(delete(self._table).where(self._of(key)))

        await self._db.writer.run(write)

    def _of(self, key: Key) -> ColumnElement[bool]:
        return and_(self._table.c.kind == key[0], self._table.c.id == key[1])
