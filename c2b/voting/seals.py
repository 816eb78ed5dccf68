"""The seal of a selection's ballots, kept so that one ballot can be proved without going over all of them."""

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from c2b.voting import tree
from c2b.voting.models import BallotSeal, SealBlock

_COLUMNS = (SealBlock.first, SealBlock.ballots, SealBlock.node, SealBlock.listed)


def keep(session: Session, campaign_id: int, seal: tree.Seal) -> None:
    """Store the seal beside its selection; it is never changed."""
    session.execute(insert(BallotSeal).values(campaign_id=campaign_id, listed=seal.listed))
    of_blocks = [
        {
            "campaign_id": campaign_id,
            "number": number,
            "first": each.first,
            "ballots": each.ballots,
            "node": each.node,
            "listed": each.listed,
        }
        for number, each in enumerate(seal.blocks, start=1)
    ]
    if of_blocks:
        session.execute(insert(SealBlock), of_blocks)


def kept(session: Session, campaign_id: int) -> tree.Seal:
    """Return the seal as it was stored with the selection, which there must be."""
    listed = session.scalars(select(BallotSeal.listed).where(BallotSeal.campaign_id == campaign_id)).one()
    blocks = session.execute(select(*_COLUMNS).where(SealBlock.campaign_id == campaign_id).order_by(SealBlock.number))
    return tree.Seal(listed, tuple(tree.Block(*row) for row in blocks))
