"""The tables of test data. Times are Unix milliseconds; JSON in bytes is never searched."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table

from shared.db.ledger import ledger_table
from shared.db.tables import event_tables, new_metadata

metadata = new_metadata()
log = event_tables(metadata)
requests = ledger_table(metadata)

workflows = Table(
    "workflows",
    metadata,
    Column("company", String, primary_key=True),
    Column("name", String, primary_key=True),  # the spec's own
    Column("digest", String, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Column("update_time", BigInteger, nullable=False),
)

datasets = Table(
    "datasets",
    metadata,
    Column("id", String, primary_key=True),  # the event log's stream
    Column("company", String, nullable=False),
    Column("state", String, nullable=False),
    Column("spec", LargeBinary, nullable=False),  # resolved, and never changed, as is the workflow
    Column("workflow", LargeBinary, nullable=False),
    Column("workflow_digest", String, nullable=False),
    Column("algorithm", String, nullable=False),
    Column("location", String, nullable=False, unique=True),
    Column("claimed", Boolean, nullable=False),  # once it was found empty: what lies there since is the dataset's own
    Column("part_count", Integer, nullable=False),
    # What the parts that are written come to; counted up in the transaction that appends a part's event.
    Column("parts_done", Integer, nullable=False),
    Column("sessions_done", BigInteger, nullable=False),
    Column("call_count", BigInteger, nullable=False),
    Column("byte_count", BigInteger, nullable=False),
    Column("reason", String, nullable=False),
    Column("detail", String, nullable=False),
    Column("creator", String, nullable=False),
    Column("wanted", String, nullable=False),  # "CANCELLED" once somebody asked for it, else ""
    Column("create_time", BigInteger, nullable=False),
    Column("end_time", BigInteger, nullable=False),
    Index(None, "company", "id"),
    Index(None, "company", "state", "id"),
    Index(None, "state"),
)

learnings = Table(
    "learnings",
    metadata,
    Column("id", String, primary_key=True),  # the event log's stream
    Column("company", String, nullable=False),
    Column("state", String, nullable=False),
    Column("spec", LargeBinary),  # NULL for a log that came with the call
    Column("result", LargeBinary),  # NULL unless it is completed
    Column("bytes_done", BigInteger, nullable=False),
    Column("byte_count", BigInteger, nullable=False),
    Column("reason", String, nullable=False),
    Column("detail", String, nullable=False),
    Column("creator", String, nullable=False),
    Column("wanted", String, nullable=False),  # "CANCELLED" once somebody asked for it, else ""
    Column("create_time", BigInteger, nullable=False),
    Column("end_time", BigInteger, nullable=False),
    Index(None, "company", "id"),
    Index(None, "company", "state", "id"),
    Index(None, "state"),
)
