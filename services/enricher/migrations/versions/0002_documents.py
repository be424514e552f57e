"""Documents and their passages"""

import sqlalchemy as sa
from alembic import op

revision = "enricher_0002"
down_revision = "enricher_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "documents",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
    )
    op.create_index(op.f("ix_documents_company_id"), "documents", ["company", "id"])
    op.create_index(op.f("ix_documents_company_digest"), "documents", ["company", "digest"])
    op.create_index(op.f("ix_documents_company_domain"), "documents", ["company", "domain"])
    op.create_table(
        "document_tags",
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("tag", sa.String(), nullable=False),
        sa.Column("document", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("company", "tag", "document", name=op.f("pk_document_tags")),
    )
    op.create_index(op.f("ix_document_tags_document"), "document_tags", ["document"])
    op.create_table(
        "passages",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("document", sa.String(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passages")),
    )
    op.create_index(op.f("ix_passages_document_start"), "passages", ["document", "start"])
    if op.get_bind().dialect.name == "sqlite":
        op.execute("CREATE VIRTUAL TABLE passage_words USING fts5(title, text, tokenize = 'porter unicode61')")
    else:
        op.execute("CREATE TABLE passage_words (id bigint PRIMARY KEY, words tsvector NOT NULL)")
        op.execute("CREATE INDEX ix_passage_words_words ON passage_words USING gin (words)")
