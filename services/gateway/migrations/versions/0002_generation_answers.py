"""Answers of generations that are kept"""

import sqlalchemy as sa
from alembic import op

revision = "gateway_0002"
down_revision = "gateway_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "generation_answers",
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("company", "digest", name=op.f("pk_generation_answers")),
    )
    op.create_index(op.f("ix_generation_answers_company_create_time"), "generation_answers", ["company", "create_time"])
