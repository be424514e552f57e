"""The synthesizer's tables. Times are Unix milliseconds; `document` columns hold packed JSON that is never searched."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table, UniqueConstraint

from shared.db.ledger import ledger_table
from shared.db.tables import event_tables, new_metadata

metadata = new_metadata()
log = event_tables(metadata)
requests = ledger_table(metadata)

personas = Table(
    "personas",
    metadata,
    Column("id", String, primary_key=True),
    Column("company", String, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Column("update_time", BigInteger, nullable=False),
    Index(None, "company", "id"),
)

procedures = Table(
    "procedures",
    metadata,
    Column("id", String, primary_key=True),
    Column("company", String, nullable=False),
    Column("external_id", String),  # NULL when none, so that it is unique only when given
    Column("display_name", String, nullable=False),
    Column("description", String, nullable=False),
    Column("latest_revision", Integer, nullable=False),
    Column("latest_ready_revision", Integer, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    UniqueConstraint("company", "external_id"),
    Index(None, "company", "id"),
)

revisions = Table(
    "revisions",
    metadata,
    Column("procedure", String, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("company", String, nullable=False),
    Column("state", String, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Column("ready_time", BigInteger, nullable=False),
)

sources = Table(
    "sources",
    metadata,
    Column("id", String, primary_key=True),
    Column("company", String, nullable=False),
    Column("external_id", String, nullable=False),
    Column("format", String, nullable=False),
    Column("finished", Boolean, nullable=False),
    Column("procedure", String, nullable=False),  # "" when the importer linked none
    Column("revision", Integer, nullable=False),
    Column("event_count", Integer, nullable=False),
    Column("resource_count", Integer, nullable=False),
    Column("digest", String, nullable=False),  # of the document: tells an import of the same from one of other content
    Column("document", LargeBinary, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    UniqueConstraint("company", "external_id"),
    Index(None, "company", "id"),
    Index(None, "company", "procedure", "id"),
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", String, primary_key=True),  # the event log's stream
    Column("company", String, nullable=False),
    Column("type", String, nullable=False),
    Column("state", String, nullable=False),
    Column("batch", String),  # the event log's feed; NULL when it stands alone
    Column("batch_index", Integer, nullable=False),
    # What it refers to, each without its collection's prefix; "" when nothing.
    Column("procedure", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("source", String, nullable=False),
    Column("persona", String, nullable=False),
    Column("based_on", String, nullable=False),
    Column("external_id", String, nullable=False),
    Column("creator", String, nullable=False),
    Column("max_turns", Integer, nullable=False),
    # What the fold says, kept beside it for lists and counts; written in the same transaction as the events.
    Column("turns", Integer, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("model_calls", BigInteger, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("reason", String, nullable=False),
    Column("detail", String, nullable=False),
    Column("fault", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("wanted", String, nullable=False),  # "CANCEL" or "FINISH" once somebody asked for it, else ""
    Column("create_time", BigInteger, nullable=False),
    Column("end_time", BigInteger, nullable=False),
    Index(None, "company", "id"),
    # Who refers to a persona or a source, and lists by what conversations were made from.
    Index(None, "company", "procedure", "id"),
    Index(None, "company", "source", "id"),
    Index(None, "company", "persona", "id"),
    Index(None, "company", "based_on"),
    Index(None, "company", "external_id", "id"),
    Index(None, "company", "state", "id"),
    Index(None, "batch", "batch_index"),
    Index(None, "batch", "state"),
    Index(None, "state"),
)

terms = Table(
    "terms",
    metadata,
    Column("owner", String, primary_key=True),  # a batch, for all its conversations, or one that stands alone
    Column("part", String, primary_key=True),  # "" for the spec, a persona's id for that persona
    Column("company", String, nullable=False),
    Column("document", LargeBinary, nullable=False),  # resolved, and never changed
)

batches = Table(
    "batches",
    metadata,
    Column("id", String, primary_key=True),
    Column("company", String, nullable=False),
    Column("state", String, nullable=False),
    Column("size", Integer, nullable=False),
    Column("external_id", String, nullable=False),
    Column("creator", String, nullable=False),
    Column("wanted", String, nullable=False),  # "CANCELLED" once somebody asked for it, else ""
    Column("spec", LargeBinary, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Column("end_time", BigInteger, nullable=False),
    Index(None, "company", "id"),
    Index(None, "company", "external_id", "id"),
    Index(None, "company", "state", "id"),
)
