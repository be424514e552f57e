"""The tables of generations, patterns and templates."""

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, LargeBinary, String, Table

from services.enricher.store import metadata

generations = Table(
    "generations",
    metadata,
    Column("id", String, primary_key=True),
    Column("company", String, nullable=False),
    Column("domain", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("entity", String, nullable=False),
    Column("workflow", String, nullable=False),
    Column("success", Boolean, nullable=False),
    Column("quality", Float, nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("error", String, nullable=False),
    Column("pattern", String, nullable=False),
    Column("creator", String, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Index(None, "company", "id"),
    Index(None, "company", "domain", "entity", "id"),
)

patterns = Table(
    "patterns",
    metadata,
    Column("id", String, primary_key=True),
    Column("company", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("domain", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("entity", String, nullable=False),
    Column("workflow", String, nullable=False),
    Column("scenarios", Integer, nullable=False),  # how many it has; so fields and words
    Column("fields", Integer, nullable=False),
    Column("words", Integer, nullable=False),
    Column("quality", Float, nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("generations", BigInteger, nullable=False),
    Column("uses", BigInteger, nullable=False),
    Column("creator", String, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Index(None, "company", "id"),
    Index(None, "company", "digest", unique=True),
    Index(None, "company", "domain", "entity", "id"),
)

features = Table(
    "pattern_features",
    metadata,
    Column("pattern", String, primary_key=True),
    Column("feature", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Integer, nullable=False),
    Column("company", String, nullable=False),
    Index(None, "company", "feature", "kind", "pattern"),
)

templates = Table(
    "templates",
    metadata,
    Column("company", String, primary_key=True),
    Column("id", String, primary_key=True),  # as its maker chose it
    Column("domain", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("entity", String, nullable=False),
    Column("workflow", String, nullable=False),
    Column("description", String, nullable=False),
    Column("pattern", String, nullable=False),
    Column("creator", String, nullable=False),
    Column("create_time", BigInteger, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Index(None, "company", "create_time", "id"),
    Index(None, "company", "domain", "entity"),
)
