"""When goods were handed over; who left a contract; what was delayed, and what customers said to it."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the column and the tables."""
    op.add_column("order_line", sa.Column("handed_over_at", _TIME, nullable=True))
    _withdrawals()
    _delays()


def _withdrawals() -> None:
    right = sa.Enum("withdrawal", "return", name="right", native_enum=False, create_constraint=True, length=24)
    op.create_table(
        "withdrawal",
        sa.Column("line_id", _KEY, nullable=False),
        sa.Column("order_id", _KEY, nullable=False),
        sa.Column("right", right, nullable=False),
        sa.Column("received_at", _TIME, nullable=False),
        sa.Column("came_back_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(["line_id"], ["order_line.id"], name=op.f("fk_withdrawal_line_id")),
        sa.ForeignKeyConstraint(["order_id"], ["customer_order.id"], name=op.f("fk_withdrawal_order_id")),
        sa.PrimaryKeyConstraint("line_id", name=op.f("pk_withdrawal")),
    )
    op.create_index(op.f("ix_withdrawal_order_id"), "withdrawal", ["order_id"], unique=False)


def _delays() -> None:
    product = (["campaign_id", "candidate_id"], ["candidate.campaign_id", "candidate.id"])
    op.create_table(
        "delay",
        sa.Column("id", _KEY, autoincrement=True, nullable=False),
        sa.Column("campaign_id", _KEY, nullable=False),
        sa.Column("candidate_id", _KEY, nullable=False),
        sa.Column("promised", sa.Date(), nullable=False),
        sa.Column("expected", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("announced_at", _TIME, nullable=False),
        sa.Column("answer_by", _TIME, nullable=True),
        sa.Column("silence_agrees", sa.Boolean(), nullable=False),
        sa.Column("settled_at", _TIME, nullable=True),
        sa.CheckConstraint("expected > promised", name=op.f("ck_delay_later")),
        sa.ForeignKeyConstraint(*product, name=op.f("fk_delay_campaign_id_candidate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delay")),
    )
    op.create_index(op.f("ix_delay_candidate_id"), "delay", ["candidate_id"], unique=False)
    op.create_table(
        "delay_answer",
        sa.Column("delay_id", _KEY, nullable=False),
        sa.Column("line_id", _KEY, nullable=False),
        sa.Column("agrees", sa.Boolean(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(["delay_id"], ["delay.id"], name=op.f("fk_delay_answer_delay_id")),
        sa.ForeignKeyConstraint(["line_id"], ["order_line.id"], name=op.f("fk_delay_answer_line_id")),
        sa.PrimaryKeyConstraint("delay_id", "line_id", name=op.f("pk_delay_answer")),
    )
    op.create_index(op.f("ix_delay_answer_line_id"), "delay_answer", ["line_id"], unique=False)
