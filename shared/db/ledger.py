"""The ledger of request ids: the same request sent again gets its first result."""

from typing import TYPE_CHECKING

from sqlalchemy import Column, MetaData, Row, Select, String, Table, select

from shared.db.appends import insert_new
from shared.errors import AlreadyExists
from shared.requests import RequestKey

if TYPE_CHECKING:
    # Tables are declared in the writer's process as well, which starts sooner without these.
    from sqlalchemy.ext.asyncio import AsyncConnection

    from shared.db.engine import Database


class RequestIdReused(AlreadyExists):
    """The request_id {request_id} was used before with other content; choose a new one for a new request."""

    reason = "REQUEST_ID_REUSED"


def ledger_table(metadata: MetaData) -> Table:
    """Declare the ledger in a service's metadata: one row a request, unique within company and method."""
    return Table(
        "requests",
        metadata,
        Column("company", String, primary_key=True),
        Column("method", String, primary_key=True),
        Column("request_id", String, primary_key=True),
        Column("digest", String, nullable=False),
        Column("name", String, nullable=False),
    )


async def claim(
    requests: Table, conn: "AsyncConnection", company: str, key: RequestKey | None, name: str
) -> str | None:
    """Note that a request makes the resource name, in the transaction that makes it.

    Returns None if the request is new or carries no id, the name that it made before if it was sent again; raises
    RequestIdReused if its content was another then.
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


async def earlier(requests: Table, db: "Database", company: str, key: RequestKey) -> str | None:
    """What the request made before, None if it is new; for whoever can save work by asking before `claim`.

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
