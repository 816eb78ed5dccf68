"""Groups of suspicious ballots."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Make the tables and columns."""
    op.create_table(
        "suspicion",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "rule",
            sa.Enum(
                "burst",
                "one_time_mail",
                "device",
                "too_fast",
                "sequential",
                "referrer",
                "clique",
                name="suspicion_rule",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "state",
            sa.Enum("open", "held", "asked", "kept", name="suspicion_state", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.String(length=200), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_suspicion_campaign_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suspicion")),
        sa.UniqueConstraint("campaign_id", "digest", name=op.f("uq_suspicion_campaign_id_digest")),
        sa.UniqueConstraint("campaign_id", "id", name=op.f("uq_suspicion_campaign_id_id")),
    )
    op.create_table(
        "suspicion_ballot",
        sa.Column("suspicion_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id", "person_id"],
            ["ballot.campaign_id", "ballot.person_id"],
            name=op.f("fk_suspicion_ballot_campaign_id_person_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id", "suspicion_id"],
            ["suspicion.campaign_id", "suspicion.id"],
            name=op.f("fk_suspicion_ballot_campaign_id_suspicion_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("suspicion_id", "person_id", name=op.f("pk_suspicion_ballot")),
    )
