"""The tables of conversations and of their terms."""

from dataclasses import fields

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table

from services.synthesizer.store import metadata
from shared.model.events import Usage

USAGE = tuple(field.name for field in fields(Usage))
"""The columns of what models cost, in the order of Usage."""

conversations = Table(
    "conversations",
    metadata,
    Column("id", String, primary_key=True),  # the event log's stream
    Column("company", String, nullable=False),
    Column("type", String, nullable=False),
    Column("state", String, nullable=False),
    Column("batch", String),  # the event log's feed; NULL for a single conversation
    Column("batch_index", Integer, nullable=False),
    # What it refers to, by id; "" if nothing.
    Column("procedure", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("source", String, nullable=False),
    Column("persona", String, nullable=False),
    Column("based_on", String, nullable=False),
    Column("external_id", String, nullable=False),
    Column("creator", String, nullable=False),
    Column("max_turns", Integer, nullable=False),
    # How many conversations may run at once: of its batch, and with its agent and its persona target, each named by
    # `AgentTarget.key`, "" if none; 0 sets no limit.
    Column("batch_limit", Integer, nullable=False),
    Column("agent", String, nullable=False),
    Column("agent_limit", Integer, nullable=False),
    Column("persona_target", String, nullable=False),
    Column("persona_target_limit", Integer, nullable=False),
    # Whose previews are called; 0 if none.
    Column("agent_pull_request", Integer, nullable=False),
    Column("persona_agent_pull_request", Integer, nullable=False),
    # The fold of the events, for lists and counts; written in the same transaction as the events.
    Column("turns", Integer, nullable=False),
    Column("repeats", Integer, nullable=False),
    Column("flags", Integer, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    *(Column(name, BigInteger, nullable=False) for name in USAGE),
    Column("reason", String, nullable=False),
    Column("detail", String, nullable=False),
    Column("fault", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("wanted", String, nullable=False),  # "CANCEL", "FINISH" or ""
    Column("create_time", BigInteger, nullable=False),
    Column("end_time", BigInteger, nullable=False),
    Index(None, "company", "id"),
    # These indexes serve lists by procedure, source or persona, and references.
    Index(None, "company", "procedure", "id"),
    Index(None, "company", "procedure", "revision", "id"),
    Index(None, "company", "source", "id"),
    Index(None, "company", "persona", "id"),
    Index(None, "company", "based_on"),
    Index(None, "company", "external_id", "id"),
    Index(None, "company", "state", "id"),
    Index(None, "company", "agent_pull_request", "id"),
    Index(None, "company", "persona_agent_pull_request", "id"),
    Index(None, "batch", "batch_index"),
    Index(None, "batch", "procedure", "revision"),
    Index(None, "batch", "state"),
    Index(None, "state"),
)


resource_uses = Table(
    "resource_uses",
    metadata,
    Column("owner", String, primary_key=True),  # the id of a batch or of a single conversation
    Column("resource_set", String, primary_key=True),
    Column("company", String, nullable=False),
    Column("batch", Boolean, nullable=False),  # True if the owner is a batch
    Index(None, "company", "resource_set", "owner"),
)


terms = Table(
    "terms",
    metadata,
    Column("owner", String, primary_key=True),  # the id of a batch or of a single conversation
    Column("part", String, primary_key=True),  # "" for the spec, a persona's id for that persona
    Column("company", String, nullable=False),
    Column("document", LargeBinary, nullable=False),  # never changes
)
