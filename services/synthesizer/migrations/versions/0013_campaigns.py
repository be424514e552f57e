"""Campaigns"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "campaigns",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("latest_revision", sa.Integer(), nullable=False),
        sa.Column("latest_ready_revision", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns")),
        sa.UniqueConstraint("company", "external_id", name=op.f("uq_campaigns_company_external_id")),
    )
    op.create_index(op.f("ix_campaigns_company_id"), "campaigns", ["company", "id"])
    op.create_table(
        "campaign_revisions",
        sa.Column("campaign", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("ready_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("campaign", "number", name=op.f("pk_campaign_revisions")),
    )
