"""The quality of conversations"""

import sqlalchemy as sa
from alembic import op

revision = "evaluator_0005"
down_revision = "evaluator_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("evaluations", sa.Column("quality_total", sa.Float(), nullable=False, server_default="0"))
    op.add_column("evaluations", sa.Column("quality_count", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("results", sa.Column("quality", sa.Float(), nullable=True))
