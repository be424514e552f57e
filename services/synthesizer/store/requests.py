"""Requests that may be sent again, in this service's ledger."""

from functools import partial

from sqlalchemy import select

from services.synthesizer.store.tables import requests
from shared.db import ledger
from shared.db.engine import Database
from shared.requests import RequestKey

claim = partial(ledger.claim, requests)
earlier = partial(ledger.earlier, requests)


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
