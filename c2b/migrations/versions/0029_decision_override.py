"""Products that are made although they missed, once two people agreed."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "decision_override",
        sa.Column("campaign_id", _KEY, autoincrement=False, nullable=False),
        sa.Column("candidate_id", _KEY, autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.String(length=200), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.String(length=200), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_decision_override_has_reason")),
        sa.CheckConstraint("approved_by <> proposed_by", name=op.f("ck_decision_override_second_person")),
        sa.CheckConstraint("(approved_at IS NULL) = (approved_by = '')", name=op.f("ck_decision_override_approved_by_somebody")),
        sa.ForeignKeyConstraint(
            ["campaign_id", "candidate_id"],
            ["candidate.campaign_id", "candidate.id"],
            name=op.f("fk_decision_override_campaign_id_candidate_id"),
        ),
        sa.PrimaryKeyConstraint("campaign_id", "candidate_id", name=op.f("pk_decision_override")),
    )
