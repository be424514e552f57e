"""The resource sets of rehearsals"""

import sqlalchemy as sa
from alembic import op

revision = "gateway_0003"
down_revision = "gateway_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("rehearsals", sa.Column("resources", sa.String(), nullable=False, server_default=""))
