"""What viewers were shown, and the size they wear."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Make the tables and columns."""
    op.create_table(
        "seen",
        sa.Column("campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("viewer", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("marks", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_seen_campaign_id")),
        sa.PrimaryKeyConstraint("campaign_id", "viewer", name=op.f("pk_seen")),
    )
    op.create_table(
        "views",
        sa.Column("campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("candidate_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("viewers", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id", "candidate_id"], ["candidate.campaign_id", "candidate.id"], name=op.f("fk_views_campaign_id_candidate_id")
        ),
        sa.PrimaryKeyConstraint("campaign_id", "candidate_id", name=op.f("pk_views")),
    )
    op.add_column("person", sa.Column("size", sa.String(length=40), server_default=sa.text("''"), nullable=False))
