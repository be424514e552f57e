"""Stores the results of imports in the ledger of requests."""

from sqlalchemy import select

from services.synthesizer.store import claim, earlier, requests
from shared.db.engine import Database
from shared.requests import RequestKey


class RequestResults:
    """Results of requests that create no single resource; the ledger stores the result in place of a name."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def known(self, company: str, method: str, request_id: str) -> bool:
        """True if a request with this id was carried out."""
        found = select(requests.c.digest).where(
            requests.c.company == company, requests.c.method == method, requests.c.request_id == request_id
        )
        return bool(await self._db.fetch(found))

    async def find(self, company: str, key: RequestKey) -> str | None:
        """The result that the same request stored, or None. Raises RequestIdReused."""
        return await earlier(self._db, company, key)

    async def settle(self, company: str, key: RequestKey, result: str) -> str:
        """Store the result and return it, or return the result that the same request stored.

        Raises RequestIdReused.
        """
        stored = await self._db.writer.run(lambda conn: claim(conn, company, key, result))
        return result if stored is None else stored
