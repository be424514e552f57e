"""Persona targets"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The defaults are for conversations whose persona a model plays.
    op.add_column("conversations", sa.Column("persona_target", sa.String(), nullable=False, server_default=""))
    op.add_column("conversations", sa.Column("persona_target_limit", sa.Integer(), nullable=False, server_default="0"))
