"""Previews of pull requests"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("batches", "conversations"):
        for column in ("agent_pull_request", "persona_agent_pull_request"):
            op.add_column(table, sa.Column(column, sa.Integer(), nullable=False, server_default="0"))
            op.create_index(op.f(f"ix_{table}_company_{column}_id"), table, ["company", column, "id"])
    for columns in (("company", "procedure", "revision", "id"), ("batch", "procedure", "revision")):
        op.create_index(op.f(f"ix_conversations_{'_'.join(columns)}"), "conversations", list(columns))
