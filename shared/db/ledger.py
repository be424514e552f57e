"""The ledger of request ids: a request that is sent again gets its first result."""

from sqlalchemy import Column, MetaData, Row, Select, String, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.appends import insert_new
from shared.db.engine import Database
from shared.errors import AlreadyExists
from shared.requests import RequestKey


class RequestIdReused(AlreadyExists):
    """The request_id {request_id} was used before with other content; choose a new request_id for a new request."""

    reason = "REQUEST_ID_REUSED"


def ledger_table(metadata: MetaData) -> Table:
    """Declare the ledger in a service's metadata: one row per request, unique by company, method and request id."""
    return Table(
        "requests",
        metadata,
        Column("company", String, primary_key=True),
        Column("method", String, primary_key=True),
        Column("request_id", String, primary_key=True),
        Column("digest", String, nullable=False),
        Column("name", String, nullable=False),
    )


async def claim(requests: Table, conn: AsyncConnection, company: str, key: RequestKey | None, name: str) -> str | None:
    """Record that a request makes the resource `name`, in the transaction that makes it.

    Returns None for a new request and one without an id, and the name that it made before for a repeated one. Raises
    RequestIdReused if the content differs.
    """
    if key is None:
        return None
    row = {
        "company": company,
        "method": key.method,
        "request_id": key.request_id,
        "digest": key.digest,
        "name": name,
    }
    inserted = await conn.execute(insert_new(requests, conn.dialect.name), row)
    if inserted.first() is not None:
        return None
    found = await conn.execute(_of(requests, company, key))
    return _name(found.one(), key)


async def earlier(requests: Table, db: Database, company: str, key: RequestKey) -> str | None:
    """The name that the request made before; None if it is new. Call it before `claim` to save work.

    Raises RequestIdReused.
    """
    found = await db.fetch(_of(requests, company, key))
    return _name(found[0], key) if found else None


def _of(requests: Table, company: str, key: RequestKey) -> Select[str, str]:
    return select(requests.c.digest, requests.c.name).where(
        requests.c.company == company, requests.c.method == key.method, requests.c.request_id == key.request_id
    )


def _name(found: Row[str, str], key: RequestKey) -> str:
    then_digest, then_name = found
    if then_digest != key.digest:
        raise RequestIdReused(request_id=key.request_id)
    return then_name
