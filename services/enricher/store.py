"""The tables that all nouns of the enricher share: the ledger of requests."""

from functools import partial

from shared.db import ledger
from shared.db.tables import new_metadata

metadata = new_metadata()
requests = ledger.ledger_table(metadata)

claim = partial(ledger.claim, requests)
earlier = partial(ledger.earlier, requests)
