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
                "by_hand",
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
        sa.CheckConstraint("(state = 'open') = (decided_at IS NULL)", name=op.f("ck_suspicion_decided_or_open")),
        sa.CheckConstraint("state = 'open' OR reason <> ''", name=op.f("ck_suspicion_decided_with_reason")),
        sa.UniqueConstraint("campaign_id", "digest", name=op.f("uq_suspicion_campaign_id_digest")),
        sa.UniqueConstraint("campaign_id", "id", name=op.f("uq_suspicion_campaign_id_id")),
    )
    op.create_table(
        "suspicion_ballot",
        sa.Column("suspicion_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("decided", sa.Boolean(), nullable=False),
        sa.Column("freed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("freed_by", sa.String(length=200), nullable=False),
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
    op.create_index("ix_suspicion_ballot_campaign_id_person_id", "suspicion_ballot", ["campaign_id", "person_id"])
    op.create_table(
        "suspicion_look",
        sa.Column("campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("groups", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_suspicion_look_campaign_id")),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_suspicion_look")),
    )
    op.create_table(
        "objection",
        sa.Column("campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("words", sa.String(length=500), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("words <> ''", name=op.f("ck_objection_says_something")),
        sa.ForeignKeyConstraint(
            ["campaign_id", "person_id"],
            ["ballot.campaign_id", "ballot.person_id"],
            name=op.f("fk_objection_campaign_id_person_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("campaign_id", "person_id", name=op.f("pk_objection")),
    )
    _keep_held()


def _keep_held() -> None:
    """Give every ballot that is held already its group, of itself alone."""
    op.execute(
        "INSERT INTO suspicion (campaign_id, rule, digest, evidence, found_at, state, reason, decided_by, decided_at) "
        "SELECT campaign_id, 'by_hand', serial, '{}', held_at, 'held', held_reason, '', held_at FROM ballot WHERE held_at IS NOT NULL"
    )
    op.execute(
        "INSERT INTO suspicion_ballot (suspicion_id, campaign_id, person_id, decided, freed_by) "
        "SELECT suspicion.id, suspicion.campaign_id, ballot.person_id, true, '' FROM suspicion "
        "JOIN ballot ON ballot.campaign_id = suspicion.campaign_id AND ballot.serial = suspicion.digest"
    )
