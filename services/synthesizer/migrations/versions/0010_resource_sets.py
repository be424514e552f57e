"""Resource sets"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "resource_sets",
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("types", sa.String(), nullable=False),
        sa.Column("creator", sa.String(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("company", "id", name=op.f("pk_resource_sets")),
    )
    op.create_index(op.f("ix_resource_sets_company_create_time_id"), "resource_sets", ["company", "create_time", "id"])
    op.create_table(
        "resources",
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("resource_set", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("company", "resource_set", "place", name=op.f("pk_resources")),
    )
    op.create_index(
        op.f("ix_resources_company_resource_set_type_id"), "resources", ["company", "resource_set", "type", "id"]
    )
    op.create_table(
        "resource_uses",
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("resource_set", sa.String(), nullable=False),
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("batch", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "resource_set", name=op.f("pk_resource_uses")),
    )
    op.create_index(
        op.f("ix_resource_uses_company_resource_set_owner"), "resource_uses", ["company", "resource_set", "owner"]
    )
