"""Votes counted as they come; each ballot carries its commitment, each tap its browser and referrer."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Make the tables and columns."""
    op.create_table(
        "candidate_tally",
        sa.Column("campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("candidate_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "source",
            sa.Enum("draft", "verified", "store", "imported", name="ballot_source", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("votes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id", "candidate_id"],
            ["candidate.campaign_id", "candidate.id"],
            name=op.f("fk_candidate_tally_campaign_id_candidate_id"),
        ),
        sa.PrimaryKeyConstraint("campaign_id", "candidate_id", "source", "held", name=op.f("pk_candidate_tally")),
    )
    op.create_table(
        "tally_delta",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("candidate_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "source",
            sa.Enum("draft", "verified", "store", "imported", name="ballot_source", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("votes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id", "candidate_id"], ["candidate.campaign_id", "candidate.id"], name=op.f("fk_tally_delta_campaign_id_candidate_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tally_delta")),
    )
    op.create_index("ix_tally_delta_campaign_id", "tally_delta", ["campaign_id"], unique=False)
    op.add_column("ballot", sa.Column("commitment", sa.String(length=64), server_default=sa.text("''"), nullable=False))
    op.add_column("vote_event", sa.Column("agent", sa.String(length=16), server_default=sa.text("''"), nullable=False))
    op.add_column("vote_event", sa.Column("referrer", sa.String(length=100), server_default=sa.text("''"), nullable=False))
