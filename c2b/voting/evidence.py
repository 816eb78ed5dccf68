"""Loads what is known of a campaign's ballots and looks for stuffed ones."""

from collections.abc import Iterator

from disposable_email_domains import blocklist
from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.voting.detection.facts import BallotFacts, Cluster
from c2b.voting.detection.search import find
from c2b.voting.models import Ballot


def look(session: Session, campaign: Campaign) -> list[Cluster]:
    """Return the suspicious groups among the campaign's ballots that could count; writes nothing."""
    return find(_facts(session, campaign), one_time=blocklist)


def _facts(session: Session, campaign: Campaign) -> Iterator[BallotFacts]:
    for person in session.scalars(select(Ballot.person_id).where(Ballot.campaign_id == campaign.id).order_by(Ballot.person_id)):
        yield BallotFacts(person, ())
