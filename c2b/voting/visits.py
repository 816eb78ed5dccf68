"""A visit to a campaign's gallery: who comes, what they picked and what they were shown, all by one statement."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import LargeBinary, bindparam, func, select

from c2b.campaigns.kept import Bits
from c2b.campaigns.models import Campaign
from c2b.db import Database, Look
from c2b.people.models import Address, Login, Person
from c2b.people.queries import CUSTOMER, Customer, customer, first_address, login_of
from c2b.people.rules import token_hash
from c2b.voting import left_over
from c2b.voting.models import Ballot, Pick, Seen
from c2b.voting.queries import BallotView
from c2b.voting.rules import BallotSource


@dataclass(frozen=True)
class Visit:
    """Who looks at a campaign, and what is theirs in it."""

    campaign_id: int
    edition: int
    """Of the campaign and its candidates, see `campaigns.kept`."""
    customer: Customer | None
    ballot: BallotView
    """Empty for whoever has none."""
    seen: Bits
    """What the viewer was shown, as far as it is written."""


_COLUMNS = (Campaign.id, Campaign.edition, Campaign.votes_each, Seen.marks, left_over.number(Campaign.id, Person.id))
_ON_BALLOT = (Ballot.source, Ballot.held_at.is_not(None), Ballot.serial, Ballot.version, Pick.candidate_id)
_VISIT = Look(
    select(*_COLUMNS, *_ON_BALLOT, *CUSTOMER)
    .select_from(Campaign)
    .outerjoin(Login, login_of(bindparam("token_hash", type_=LargeBinary), bindparam("now", type_=Login.expires_at.type)))
    .outerjoin(Person, Person.id == Login.person_id)
    .outerjoin(Address, Address.id == first_address())
    .outerjoin(Ballot, (Ballot.campaign_id == Campaign.id) & (Ballot.person_id == Person.id))
    .outerjoin(Seen, (Seen.campaign_id == Campaign.id) & (Seen.viewer == func.coalesce(Person.viewer, bindparam("viewer"))))
    .outerjoin(Pick, (Pick.campaign_id == Ballot.campaign_id) & (Pick.person_id == Ballot.person_id))
    .where(Campaign.slug == bindparam("slug"))
)


def visit(database: Database, slug: str, *, token: str, viewer: int, now: datetime) -> Visit | None:
    """Return the visit of whoever's login `token` is, else of the browser with the number `viewer`; None without such a campaign."""
    rows = _VISIT.rows(database, {"slug": slug, "token_hash": token_hash(token), "viewer": viewer, "now": now})
    if not rows:
        return None
    campaign_id, edition, votes_each, marks, waiting, source, held, serial, version, _pick, *person = rows[0]
    picked = frozenset(row[_PICK] for row in rows if row[_PICK] is not None)
    on_ballot = BallotView(votes_each)
    if serial:
        on_ballot = BallotView(votes_each, picked, BallotSource(source), bool(held), serial, version, waiting)
    known = customer(person) if person[0] is not None else None
    return Visit(campaign_id, edition, known, on_ballot, int.from_bytes(marks or b"", "little"))


_PICK = 9
"""The place of a picked candidate's key in a row."""
