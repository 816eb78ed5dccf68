"""Overrides of the selection."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Make the tables and columns."""
    op.create_table(
        "selection_override",
        sa.Column("campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("candidate_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("made", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.String(length=200), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.String(length=200), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ending_by", sa.String(length=200), server_default=sa.text("''"), nullable=False),
        sa.Column("ending_reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.CheckConstraint("(ending_by = '') = (ending_reason = '')", name=op.f("ck_selection_override_ended_with_reason")),
        sa.CheckConstraint("ending_by = '' OR approved_at IS NOT NULL", name=op.f("ck_selection_override_ended_once_approved")),
        sa.CheckConstraint("(approved_at IS NULL) = (approved_by = '')", name=op.f("ck_selection_override_approved_by_somebody")),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_selection_override_override_with_reason")),
        sa.CheckConstraint("approved_by <> proposed_by", name=op.f("ck_selection_override_second_person")),
        sa.ForeignKeyConstraint(
            ["campaign_id", "candidate_id"],
            ["selection_line.campaign_id", "selection_line.candidate_id"],
            name=op.f("fk_selection_override_campaign_id_candidate_id"),
        ),
        sa.PrimaryKeyConstraint("campaign_id", "candidate_id", name=op.f("pk_selection_override")),
    )
