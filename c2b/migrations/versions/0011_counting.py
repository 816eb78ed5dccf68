"""Votes counted as they come; each ballot carries its commitment, each tap its browser and referrer."""

import hashlib
import json

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
    op.drop_table("ballot_leaf")  # the ballots themselves carry what it held
    op.execute(_COUNTED)
    _bind_ballots()


_COUNTED = """
    INSERT INTO candidate_tally (campaign_id, candidate_id, source, held, votes)
    SELECT pick.campaign_id, pick.candidate_id, ballot.source, ballot.held_at IS NOT NULL, count(*)
    FROM pick JOIN ballot ON ballot.campaign_id = pick.campaign_id AND ballot.person_id = pick.person_id
    WHERE ballot.source <> 'draft'
    GROUP BY pick.campaign_id, pick.candidate_id, ballot.source, ballot.held_at IS NOT NULL
"""
_PICKED = """
    SELECT ballot.campaign_id, ballot.person_id, ballot.serial, ballot.version, ballot.nonce, candidate.code
    FROM ballot
    LEFT JOIN pick ON pick.campaign_id = ballot.campaign_id AND pick.person_id = ballot.person_id
    LEFT JOIN candidate ON candidate.id = pick.candidate_id
"""
_BIND = "UPDATE ballot SET commitment = :commitment WHERE campaign_id = :campaign_id AND person_id = :person_id"


def _bind_ballots() -> None:
    """Give every ballot the commitment to its picks, as this version of the schema writes it."""
    connection = op.get_bind()
    codes: dict[tuple[int, int], list[str]] = {}
    ballots = {}
    for row in connection.execute(sa.text(_PICKED)):
        key = (row.campaign_id, row.person_id)
        ballots[key] = {"nonce": bytes(row.nonce).hex(), "serial": row.serial, "version": row.version}
        codes.setdefault(key, []).extend([row.code] if row.code is not None else [])
    for key, ballot in ballots.items():
        opened = json.dumps(ballot | {"codes": sorted(codes[key])}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        values = {"commitment": hashlib.sha256(opened.encode()).hexdigest(), "campaign_id": key[0], "person_id": key[1]}
        connection.execute(sa.text(_BIND), values)
