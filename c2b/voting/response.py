"""What staff read besides the counts: votes for each viewer who was shown a candidate, and the sizes that its voters wear."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Candidate
from c2b.people.models import Person
from c2b.voting import queries
from c2b.voting.models import Ballot, Pick


@dataclass(frozen=True)
class Response:
    """How often a candidate was seen, and how many of those who saw it voted for it."""

    viewers: int
    votes: int
    """Counted ones."""

    @property
    def rate(self) -> float | None:
        """Votes per hundred viewers; None before anybody saw it."""
        return 100 * self.votes / self.viewers if self.viewers else None


def responses(session: Session, campaign_id: int) -> dict[int, Response]:
    """Return the response to each candidate that isn't withdrawn. Until voting closes only staff with `counts` may see this."""
    here = select(Candidate.id).where(Candidate.campaign_id == campaign_id, Candidate.withdrawn_at.is_(None)).order_by(Candidate.position)
    viewers, counts = queries.views(session, campaign_id), queries.counts(session, campaign_id)
    return {key: Response(viewers.get(key, 0), counts[key].votes if key in counts else 0) for key in session.scalars(here)}


def least_seen(found: dict[int, Response], most: int) -> list[int]:
    """Return the candidates that fewest were shown, the least seen first."""
    return sorted(found, key=lambda key: found[key].viewers)[:most]


def size_curve(session: Session, campaign_id: int, candidate_id: int) -> dict[str, int]:
    """Return how many of a candidate's counted votes come from wearers of each size; of those who said theirs."""
    counted = Ballot.source.in_(queries.counted_sources(session, campaign_id)) & Ballot.held_at.is_(None)
    query = (
        select(Person.size, func.count())
        .join(Ballot, Ballot.person_id == Person.id)
        .join(Pick, (Pick.campaign_id == Ballot.campaign_id) & (Pick.person_id == Ballot.person_id))
        .where(Pick.campaign_id == campaign_id, Pick.candidate_id == candidate_id, Person.size != "", counted)
        .group_by(Person.size)
    )
    return dict(session.execute(query).all())
