"""The first tables"""

import sqlalchemy as sa
from alembic import op

# The name contains the service, so that a database with another service's tables is noticed.
revision = "enricher_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "domains",
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("latest_revision", sa.Integer(), nullable=False),
        sa.Column("latest_ready_revision", sa.Integer(), nullable=False),
        sa.Column("creator", sa.String(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("company", "id", name=op.f("pk_domains")),
    )
    with op.batch_alter_table("domains", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_domains_company_create_time_id"), ["company", "create_time", "id"], unique=False
        )

    op.create_table(
        "domain_revisions",
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("ready_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("company", "domain", "number", name=op.f("pk_domain_revisions")),
    )
    op.create_table(
        "requests",
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("company", "method", "request_id", name=op.f("pk_requests")),
    )
