"""The tables that all nouns of the synthesizer share: the event log and the ledger of requests."""

from collections.abc import Awaitable, Callable
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db import ledger
from shared.db.tables import event_tables, new_metadata
from shared.db.takedowns import takedowns_table

metadata = new_metadata()
log = event_tables(metadata)
requests = ledger.ledger_table(metadata)
takedowns = takedowns_table(metadata)

claim = partial(ledger.claim, requests)
earlier = partial(ledger.earlier, requests)

Referring = Callable[[AsyncConnection, str, str], Awaitable[str | None]]
"""(connection, company, key) → what refers to that key, as the rest of a sentence, or None."""
