"""Limits of what runs at once"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The defaults are for conversations of version 0.1, which have no limits.
    op.add_column("conversations", sa.Column("batch_limit", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("conversations", sa.Column("agent", sa.String(), nullable=False, server_default=""))
    op.add_column("conversations", sa.Column("agent_limit", sa.Integer(), nullable=False, server_default="0"))
