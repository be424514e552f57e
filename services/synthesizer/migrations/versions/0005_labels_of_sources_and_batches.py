"""Labels of sources and batches"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "labels",
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("company", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "label", name=op.f("pk_labels")),
    )
    op.create_index(op.f("ix_labels_company_label_owner"), "labels", ["company", "label", "owner"])
