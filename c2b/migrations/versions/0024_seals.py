"""The sealed blocks of ballots behind each published root; serials are ordered by their bytes."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_HASH = sa.String(length=64)
_SEAL = sa.table("ballot_seal", sa.column("campaign_id"), sa.column("listed"))
_BLOCK = sa.table("seal_block", *map(sa.column, ("campaign_id", "number", "first", "ballots", "node", "listed")))
_SIZE, _BATCH = 1024, 5000


def upgrade() -> None:
    """Make the tables, and seal the results that are there already."""
    op.create_table(
        "ballot_seal",
        sa.Column("campaign_id", _KEY, nullable=False),
        sa.Column("listed", _HASH, nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["selection.campaign_id"], name=op.f("fk_ballot_seal_campaign_id")),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_ballot_seal")),
    )
    op.create_table(
        "seal_block",
        sa.Column("campaign_id", _KEY, nullable=False),
        sa.Column("number", _KEY, nullable=False),
        sa.Column("first", sa.String(length=24), nullable=False),
        sa.Column("ballots", _KEY, nullable=False),
        sa.Column("node", _HASH, nullable=False),
        sa.Column("listed", _HASH, nullable=False),
        sa.CheckConstraint("number >= 1", name=op.f("ck_seal_block_numbered_from_one")),
        sa.CheckConstraint("ballots BETWEEN 1 AND 1024", name=op.f("ck_seal_block_ballots_in_block")),
        sa.ForeignKeyConstraint(["campaign_id"], ["ballot_seal.campaign_id"], name=op.f("fk_seal_block_campaign_id")),
        sa.PrimaryKeyConstraint("campaign_id", "number", name=op.f("pk_seal_block")),
        sa.UniqueConstraint("campaign_id", "first", name=op.f("uq_seal_block_campaign_id_first")),
    )
    if op.get_bind().dialect.name == "postgresql":  # so that an index finds a block; SQLite orders by bytes anyway
        op.alter_column("ballot", "serial", type_=sa.String(length=24, collation="C"), existing_type=sa.String(length=24))
    _seal_results()


_RESULTS = sa.text("SELECT campaign.id, campaign.count FROM selection JOIN campaign ON campaign.id = selection.campaign_id")
_BALLOTS = sa.text(
    "SELECT serial, version, commitment, held_at IS NOT NULL AS held FROM ballot "
    "WHERE campaign_id = :campaign_id AND source IN :sources ORDER BY serial"
).bindparams(sa.bindparam("sources", expanding=True))


def _seal_results() -> None:
    """Seal the ballots of every selection as they stand, as this version of the schema writes it.

    Where they aren't what they were at the selection, neither are the sealed hashes: a receipt leads to another root, as before.
    """
    connection = op.get_bind()
    for campaign_id, count in connection.execute(_RESULTS.columns(id=_KEY, count=sa.JSON())).all():
        listed, blocks = hashlib.sha256(), []
        for number, rows in enumerate(_blocks(connection, campaign_id, [source for source in count if source != "draft"]), start=1):
            lines = b"".join(f"{row.serial},{row.version},{row.commitment},{int(row.held)}\n".encode() for row in rows)
            listed.update(lines)
            node = _root([hashlib.sha256(b"\x00" + bytes.fromhex(row.commitment)).digest() for row in rows]).hex()
            own = {"first": rows[0].serial, "ballots": len(rows), "node": node, "listed": hashlib.sha256(lines).hexdigest()}
            blocks.append({"campaign_id": campaign_id, "number": number} | own)
        connection.execute(sa.insert(_SEAL).values(campaign_id=campaign_id, listed=listed.hexdigest()))
        if blocks:
            connection.execute(sa.insert(_BLOCK), blocks)


def _blocks(connection: sa.Connection, campaign_id: int, sources: list[str]) -> Iterator[Sequence[sa.Row[Any]]]:
    values = {"campaign_id": campaign_id, "sources": sources}
    found = connection.execute(_BALLOTS, values, execution_options={"yield_per": _BATCH})
    yield from found.partitions(_SIZE)


def _root(hashes: Sequence[bytes]) -> bytes:
    """Return the root of RFC 6962: the left subtree holds the largest power of two that is smaller than all."""
    if len(hashes) == 1:
        return hashes[0]
    half = 1 << (len(hashes) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + _root(hashes[:half]) + _root(hashes[half:])).digest()
