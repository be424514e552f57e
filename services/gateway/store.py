"""The tables that all nouns of the gateway share: the event log and the ledger of requests."""

from shared.db.ledger import ledger_table
from shared.db.tables import event_tables, new_metadata

metadata = new_metadata()
log = event_tables(metadata)
requests = ledger_table(metadata)
