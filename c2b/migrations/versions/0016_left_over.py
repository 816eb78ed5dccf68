"""Picks that found no vote free at sign-in, and wait for their person to choose."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "left_over",
        sa.Column("campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("candidate_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id", "person_id"],
            ["ballot.campaign_id", "ballot.person_id"],
            name=op.f("fk_left_over_campaign_id_person_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id", "candidate_id"],
            ["candidate.campaign_id", "candidate.id"],
            name=op.f("fk_left_over_campaign_id_candidate_id"),
        ),
        sa.PrimaryKeyConstraint("campaign_id", "person_id", "candidate_id", name=op.f("pk_left_over")),
    )
