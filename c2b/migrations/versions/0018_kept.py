"""A campaign's edition, and what ballots and votes there are by the hour."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_RANDOM = {"sqlite": "random()", "postgresql": "floor(random() * 9007199254740992)"}
_HOUR = {
    "sqlite": r"CAST(strftime('%s', substr(ballot.created_at, 1, 13) || '\:00') AS INTEGER)",
    "postgresql": "floor(extract(epoch FROM ballot.created_at) / 3600)::bigint * 3600",
}


def upgrade() -> None:
    """Add the column and the table; what waited to be counted is counted anew, with the rest."""
    dialect = op.get_bind().dialect.name
    op.add_column("campaign", sa.Column("edition", _NUMBER, server_default=sa.text("0"), nullable=False))
    op.execute(f"UPDATE campaign SET edition = {_RANDOM[dialect]}")
    _hours()
    op.execute("DELETE FROM candidate_tally")
    keys, held, joined = "pick.campaign_id, ballot.source", "ballot.held_at IS NOT NULL", _JOINED
    op.execute(
        "INSERT INTO candidate_tally (campaign_id, source, held, candidate_id, votes) "
        f"SELECT {keys}, {held}, pick.candidate_id, count(*) {joined} GROUP BY {keys}, {held}, pick.candidate_id"
    )
    hour = _HOUR[dialect]
    op.execute(
        "INSERT INTO hour_tally (campaign_id, source, held, hour, votes, ballots) "
        f"SELECT {keys}, {held}, {hour}, count(*), count(DISTINCT pick.person_id) {joined} GROUP BY {keys}, {held}, {hour}"
    )


_JOINED = (
    "FROM pick JOIN ballot ON ballot.campaign_id = pick.campaign_id AND ballot.person_id = pick.person_id WHERE ballot.source <> 'draft'"
)


def _hours() -> None:
    op.create_table(
        "hour_tally",
        sa.Column("campaign_id", _NUMBER, nullable=False),
        sa.Column("hour", _NUMBER, autoincrement=False, nullable=False),
        _source(),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("votes", _NUMBER, nullable=False),
        sa.Column("ballots", _NUMBER, nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_hour_tally_campaign_id")),
        sa.PrimaryKeyConstraint("campaign_id", "hour", "source", "held", name=op.f("pk_hour_tally")),
    )
    op.drop_table("tally_delta")
    op.create_table(
        "tally_delta",
        sa.Column("id", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("campaign_id", _NUMBER, nullable=False),
        sa.Column("candidate_id", _NUMBER, nullable=True),
        sa.Column("hour", _NUMBER, nullable=True),
        _source(),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("votes", _NUMBER, nullable=False),
        sa.Column("ballots", _NUMBER, nullable=False),
        sa.CheckConstraint("candidate_id IS NOT NULL OR hour IS NOT NULL", name=op.f("ck_tally_delta_of_something")),
        sa.ForeignKeyConstraint(
            ["campaign_id", "candidate_id"], ["candidate.campaign_id", "candidate.id"], name=op.f("fk_tally_delta_campaign_id_candidate_id")
        ),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_tally_delta_campaign_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tally_delta")),
    )
    op.create_index("ix_tally_delta_campaign_id", "tally_delta", ["campaign_id"], unique=False)


def _source() -> sa.Column[str]:
    names = ("draft", "verified", "store", "imported")
    kind = sa.Enum(*names, name="ballot_source", native_enum=False, create_constraint=True, length=24)
    return sa.Column("source", kind, nullable=False)
