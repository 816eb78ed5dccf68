"""The published bundle: what anybody needs to recompute a selection. Ballots stream; nobody's name is in it."""

from collections.abc import Iterator
from importlib import resources
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.errors import N_, Refused
from c2b.voting import publication, selecting, statement, tree
from c2b.voting.models import Ballot, Pick, Selection

RESULT, BALLOTS, PICKS = "result.json", "ballots.csv", "picks.csv"
TEXTS = ("README.en.txt", "README.zh.txt", "verify.py")
"""What goes into each bundle as it is; the last is the verifier that needs nothing but Python."""
_BATCH = 5000
_BETWEEN = ","
"""Stands in no code."""


def text(name: str) -> str:
    """Return one of the `TEXTS`."""
    return (resources.files("c2b.voting.published") / name).read_text("utf-8")


def made(session: Session, campaign: Campaign) -> Selection:
    """Return the campaign's selection; raises Refused before it has run: until then nothing may be published."""
    run = session.get(Selection, campaign.id)
    if run is None:
        raise Refused(
            N_("“%(slug)s” has no selection yet, so there is nothing to verify; run c2b select after voting closes"), slug=campaign.slug
        )
    return run


def leaves(session: Session, campaign: Campaign) -> Iterator[tree.Leaf]:
    """Yield the ballots that count or are held, by serial.

    Raises Refused after the last one if they aren't what they were at the selection: then nothing of it must be published.
    """
    run, sealing = made(session, campaign), tree.Sealing()
    for leaf in selecting.leaves(session, campaign):
        sealing.add(leaf)
        yield leaf
    if sealing.done().root.hex() != run.ballot_root:
        raise Refused(N_("The ballots of “%(slug)s” are not what they were at the selection; see c2b audit"), slug=campaign.slug)


def picks(session: Session, campaign: Campaign) -> Iterator[tuple[str, str, list[str]]]:
    """Yield serial, nonce and codes of each ballot, in the order of `leaves`: who has these can open every commitment."""
    codes = func.aggregate_strings(Candidate.code, _BETWEEN)
    query = (
        select(Ballot.serial, Ballot.nonce, codes)
        .outerjoin(Pick, (Pick.campaign_id == Ballot.campaign_id) & (Pick.person_id == Ballot.person_id))
        .outerjoin(Candidate, Candidate.id == Pick.candidate_id)
        .where(*selecting.in_tree(session, campaign))
        .group_by(Ballot.campaign_id, Ballot.person_id)
        .order_by(Ballot.serial)
    )
    for serial, nonce, picked in session.execute(query, execution_options={"yield_per": _BATCH}):
        yield serial, nonce.hex(), sorted(picked.split(_BETWEEN)) if picked else []


def document(session: Session, campaign: Campaign, *, opened: bool) -> dict[str, Any]:
    """Return everything but the ballots themselves; `opened`: they stand beside it with their picks. Raises as `made` does."""
    found = publication.published(session, campaign, made(session, campaign))
    versions = [each.told() for each in found.versions]
    return {
        **found.document,
        "ballots": found.document["ballots"] | {"picks": opened},
        "overrides": statement.in_effect(versions),
        "published": versions,
        "published_hash": found.hash,
    }
