"""Workflows by age"""

from alembic import op

revision = "testdata_0003"
down_revision = "testdata_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("workflows", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_workflows_company_create_time_name"), ["company", "create_time", "name"], unique=False
        )
