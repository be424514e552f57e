"""Requests that may be sent again, in the ledger."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.synthesizer.store.tables import requests
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


class RequestResults:
    """Results that are no resource of their own, kept in the ledger in the place of a name."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def known(self, company: str, method: str, request_id: str) -> bool:
        """Whether the request was carried out before."""
        found = select(requests.c.digest).where(
            requests.c.company == company, requests.c.method == method, requests.c.request_id == request_id
        )
        return bool(await self._db.fetch(found))

    async def settle(self, company: str, key: RequestKey, result: str) -> str:
        """Keep the result and return it; the first one's if the same request was carried out before.

        Raises RequestIdReused.
        """
        earlier = await self._db.writer.run(lambda conn: claim(conn, company, key, result))
        return result if earlier is None else earlier
