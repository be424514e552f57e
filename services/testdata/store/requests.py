"""Requests that may be sent again, in the ledger."""

from sqlalchemy.ext.asyncio import AsyncConnection

from services.testdata.store.tables import requests
from shared.db import ledger
from shared.db.engine import Database
from shared.requests import RequestKey


async def claim(conn: AsyncConnection, company: str, key: RequestKey | None, name: str) -> str | None:
    """What the request made before, None if it is new or carries no id. Raises RequestIdReused."""
    if key is None:
        return None
    return await ledger.claim(
        conn, requests, company=company, method=key.method, request_id=key.request_id, digest=key.digest, name=name
    )


async def earlier(db: Database, company: str, key: RequestKey) -> str | None:
    """What the request made before, None if it is new; for whoever can save work by asking first.

    Raises RequestIdReused.
    """
    return await ledger.earlier(
        db, requests, company=company, method=key.method, request_id=key.request_id, digest=key.digest
    )
