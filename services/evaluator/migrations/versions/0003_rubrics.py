"""Rubrics"""

import sqlalchemy as sa
from alembic import op

revision = "evaluator_0003"
down_revision = "evaluator_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rubrics",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("latest_revision", sa.Integer(), nullable=False),
        sa.Column("latest_ready_revision", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rubrics")),
        sa.UniqueConstraint("company", "external_id", name=op.f("uq_rubrics_company_external_id")),
    )
    op.create_index(op.f("ix_rubrics_company_id"), "rubrics", ["company", "id"])
    op.create_table(
        "rubric_revisions",
        sa.Column("rubric", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("ready_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("rubric", "number", name=op.f("pk_rubric_revisions")),
    )
