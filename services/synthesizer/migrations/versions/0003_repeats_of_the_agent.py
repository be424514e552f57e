"""Repeats of the agent"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Repeats were not counted before; a conversation that is still running is counted at its next event.
    op.add_column("conversations", sa.Column("repeats", sa.Integer(), nullable=False, server_default="0"))
