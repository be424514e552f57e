"""Vectors of passages"""

import sqlalchemy as sa
from alembic import op

revision = "enricher_0004"
down_revision = "enricher_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("documents", sa.Column("embedded_by", sa.String(), server_default="", nullable=False))
    op.create_index(op.f("ix_documents_embedded_by_company"), "documents", ["embedded_by", "company"])
    op.create_table(
        "passage_vectors",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("passage", sa.BigInteger(), nullable=False),
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("dimension", sa.Integer(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passage_vectors")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_passage_vectors_passage"), "passage_vectors", ["passage"], unique=True)
    op.create_index(op.f("ix_passage_vectors_company_model_id"), "passage_vectors", ["company", "model", "id"])
    op.create_index(op.f("ix_passage_vectors_model_dimension"), "passage_vectors", ["model", "dimension"])
