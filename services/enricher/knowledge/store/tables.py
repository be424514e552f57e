"""The tables of documents, their passages and the vectors of these."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table

from services.enricher.store import metadata

_NUMBER = BigInteger().with_variant(Integer, "sqlite")

documents = Table(
    "documents",
    metadata,
    Column("id", String, primary_key=True),
    Column("company", String, nullable=False),
    Column("domain", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("document", LargeBinary, nullable=False),
    # The embedding model of which all its passages have vectors; "" if there is none.
    Column("embedded_by", String, nullable=False, server_default=""),
    Index(None, "company", "id"),
    Index(None, "company", "digest"),
    Index(None, "company", "domain"),
    Index(None, "embedded_by", "company"),
)

tagged = Table(
    "document_tags",
    metadata,
    Column("company", String, primary_key=True),
    Column("tag", String, primary_key=True),
    Column("document", String, primary_key=True),
    Index(None, "document"),
)

stored_passages = Table(
    "passages",
    metadata,
    # An integer, because it is the row of the index of words, too.
    Column("id", _NUMBER, primary_key=True, autoincrement=True),
    Column("document", String, nullable=False),
    Column("start", Integer, nullable=False),
    Column("text", LargeBinary, nullable=False),
    Index(None, "document", "start"),
)

passage_vectors = Table(
    "passage_vectors",
    metadata,
    # Grows with each row that is written, so that readers can ask for what is new.
    Column("id", _NUMBER, primary_key=True, autoincrement=True),
    Column("passage", BigInteger, nullable=False),
    Column("company", String, nullable=False),
    Column("model", String, nullable=False),
    # 0 for a passage that the model refuses.
    Column("dimension", Integer, nullable=False),
    # float32, little endian, of length 1.
    Column("vector", LargeBinary, nullable=False),
    Index(None, "passage", unique=True),
    Index(None, "company", "model", "id"),
    Index(None, "model", "dimension"),
    # SQLite would use the number of a deleted row again.
    sqlite_autoincrement=True,
)
