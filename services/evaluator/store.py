"""The tables that all nouns of the evaluator share: the event log and the ledger of requests."""

from functools import partial

from shared.db.ledger import claim as claimed
from shared.db.ledger import ledger_table
from shared.db.tables import event_tables, new_metadata
from shared.db.takedowns import takedowns_table

metadata = new_metadata()
log = event_tables(metadata)
requests = ledger_table(metadata)
takedowns = takedowns_table(metadata)

claim = partial(claimed, requests)
