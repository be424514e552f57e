"""Judges"""

import sqlalchemy as sa
from alembic import op

revision = "evaluator_0006"
down_revision = "evaluator_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "judgements",
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
        sa.Column("starter", sa.LargeBinary(), nullable=False),
        sa.Column("judge", sa.String(), nullable=False),
        sa.Column("position", sa.String(), nullable=False),
        sa.Column("within", sa.Integer(), nullable=False),
        sa.Column("judged", sa.Integer(), nullable=False),
        sa.Column("usage", sa.String(), nullable=False),
        sa.Column("summary", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judgements")),
    )
    op.create_index(op.f("ix_judgements_company_id"), "judgements", ["company", "id"])
    op.create_index(op.f("ix_judgements_company_state_id"), "judgements", ["company", "state", "id"])
    op.create_index(op.f("ix_judgements_state"), "judgements", ["state"])
    op.create_table(
        "verdicts",
        sa.Column("judgement", sa.String(), nullable=False),
        sa.Column("index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("judgement", "index", name=op.f("pk_verdicts")),
    )
    op.create_table(
        "judge_calls",
        sa.Column("judgement", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("repeat", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cached_tokens", sa.BigInteger(), nullable=False),
        sa.Column("nanos", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("judgement", "digest", "place", "repeat", name=op.f("pk_judge_calls")),
    )
    op.create_table(
        "judge_calibrations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("judge", sa.String(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judge_calibrations")),
    )
    op.create_index(op.f("ix_judge_calibrations_company_id"), "judge_calibrations", ["company", "id"])
    op.create_index(op.f("ix_judge_calibrations_company_judge_id"), "judge_calibrations", ["company", "judge", "id"])
