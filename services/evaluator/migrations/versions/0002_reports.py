"""Reports"""

import sqlalchemy as sa
from alembic import op

revision = "evaluator_0002"
down_revision = "evaluator_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reports",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("evaluation", sa.String(), nullable=False),
        sa.Column("baseline", sa.String(), nullable=False),
        sa.Column("summary", sa.LargeBinary(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
    )
    with op.batch_alter_table("reports", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reports_company_id"), ["company", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_reports_company_evaluation"), ["company", "evaluation"], unique=False)
        batch_op.create_index(batch_op.f("ix_reports_company_baseline"), ["company", "baseline"], unique=False)
