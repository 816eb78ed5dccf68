"""Ballots, picks, the selection."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "ballot",
        sa.Column("campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("votes_each", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "source",
            sa.Enum("draft", "verified", "store", "imported", name="ballot_source", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("serial", sa.String(length=24), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("nonce", sa.LargeBinary(length=16), nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(held_at IS NULL) = (held_reason = '')", name=op.f("ck_ballot_held_with_reason")),
        sa.ForeignKeyConstraint(
            ["campaign_id", "votes_each"],
            ["campaign.id", "campaign.votes_each"],
            name=op.f("fk_ballot_campaign_id_votes_each"),
            onupdate="CASCADE",
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_ballot_person_id")),
        sa.PrimaryKeyConstraint("campaign_id", "person_id", name=op.f("pk_ballot")),
        sa.UniqueConstraint("campaign_id", "person_id", "votes_each", name=op.f("uq_ballot_campaign_id_person_id_votes_each")),
        sa.UniqueConstraint("campaign_id", "serial", name=op.f("uq_ballot_campaign_id_serial")),
    )
    op.create_table(
        "selection",
        sa.Column("campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("rules_version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("places", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("voters", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("votes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("held_votes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("input_hash", sa.String(length=64), nullable=False),
        sa.Column("ballot_root", sa.String(length=64), nullable=False),
        sa.Column("seed", sa.String(length=64), nullable=False),
        sa.Column("output_hash", sa.String(length=64), nullable=False),
        sa.Column("margin", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_selection_campaign_id")),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_selection")),
    )
    op.create_table(
        "vote_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("candidate_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("undo", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_vote_event_campaign_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vote_event")),
    )
    op.create_index("ix_vote_event_campaign_at", "vote_event", ["campaign_id", "at"], unique=False)
    op.create_table(
        "ballot_leaf",
        sa.Column("campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("index", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("serial", sa.String(length=24), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("commitment", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["selection.campaign_id"], name=op.f("fk_ballot_leaf_campaign_id")),
        sa.PrimaryKeyConstraint("campaign_id", "index", name=op.f("pk_ballot_leaf")),
    )
    op.create_table(
        "pick",
        sa.Column("campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("slot", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("votes_each", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("candidate_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("slot BETWEEN 1 AND votes_each", name=op.f("ck_pick_slot_in_ballot")),
        sa.ForeignKeyConstraint(
            ["campaign_id", "candidate_id"], ["candidate.campaign_id", "candidate.id"], name=op.f("fk_pick_campaign_id_candidate_id")
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id", "person_id", "votes_each"],
            ["ballot.campaign_id", "ballot.person_id", "ballot.votes_each"],
            name=op.f("fk_pick_campaign_id_person_id_votes_each"),
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("campaign_id", "person_id", "slot", name=op.f("pk_pick")),
        sa.UniqueConstraint("campaign_id", "person_id", "candidate_id", name=op.f("uq_pick_campaign_id_person_id_candidate_id")),
    )
    op.create_index(op.f("ix_pick_candidate_id"), "pick", ["candidate_id"], unique=False)
    op.create_table(
        "selection_line",
        sa.Column("campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("candidate_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rank", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("votes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("held", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "result",
            sa.Enum("selected", "not_selected", "withdrawn", name="selection_result", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("tie_key", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id", "candidate_id"],
            ["candidate.campaign_id", "candidate.id"],
            name=op.f("fk_selection_line_campaign_id_candidate_id"),
        ),
        sa.ForeignKeyConstraint(["campaign_id"], ["selection.campaign_id"], name=op.f("fk_selection_line_campaign_id")),
        sa.PrimaryKeyConstraint("campaign_id", "candidate_id", name=op.f("pk_selection_line")),
        sa.UniqueConstraint("campaign_id", "rank", name=op.f("uq_selection_line_campaign_id_rank")),
    )
