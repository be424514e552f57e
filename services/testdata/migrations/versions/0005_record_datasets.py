"""Record datasets"""

import sqlalchemy as sa
from alembic import op

revision = "testdata_0005"
down_revision = "testdata_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dataset_locations",
        sa.Column("location", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("location", name=op.f("pk_dataset_locations")),
    )
    op.execute("INSERT INTO dataset_locations (location) SELECT location FROM datasets")
    op.create_table(
        "record_datasets",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("creator", sa.String(), nullable=False),
        sa.Column("wanted", sa.String(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("end_time", sa.BigInteger(), nullable=False),
        sa.Column("spec", sa.LargeBinary(), nullable=False),
        sa.Column("pack", sa.LargeBinary(), nullable=False),
        sa.Column("pack_digest", sa.String(), nullable=False),
        sa.Column("location", sa.String(), nullable=False),
        sa.Column("claimed", sa.Boolean(), nullable=False),
        sa.Column("cell_count", sa.BigInteger(), nullable=False),
        sa.Column("part_count", sa.Integer(), nullable=False),
        sa.Column("parts_done", sa.Integer(), nullable=False),
        sa.Column("record_count", sa.BigInteger(), nullable=False),
        sa.Column("records_done", sa.BigInteger(), nullable=False),
        sa.Column("byte_count", sa.BigInteger(), nullable=False),
        sa.Column("checks", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_datasets")),
    )
    with op.batch_alter_table("record_datasets", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_record_datasets_company_id"), ["company", "id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_record_datasets_company_state_id"), ["company", "state", "id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_record_datasets_state"), ["state"], unique=False)
