"""Record schemas"""

import sqlalchemy as sa
from alembic import op

revision = "testdata_0004"
down_revision = "testdata_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "record_schemas",
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("pack", sa.LargeBinary(), nullable=False),
        sa.Column("summary", sa.LargeBinary(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("company", "name", name=op.f("pk_record_schemas")),
    )
    with op.batch_alter_table("record_schemas", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_record_schemas_company_create_time_name"), ["company", "create_time", "name"], unique=False
        )
