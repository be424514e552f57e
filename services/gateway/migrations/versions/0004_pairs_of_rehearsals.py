"""How many pairs rehearsals have let play"""

import sqlalchemy as sa
from alembic import op

revision = "gateway_0004"
down_revision = "gateway_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("rehearsals", sa.Column("pairs", sa.Integer(), nullable=False, server_default="0"))
