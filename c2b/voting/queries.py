"""What pages and exports read of ballots and of the selection."""

from dataclasses import dataclass
from datetime import datetime
from operator import add
from typing import Any

from sqlalchemy import case, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.queries import candidate_ids
from c2b.campaigns.rules import has_voting
from c2b.voting import counting, left_over, tree
from c2b.voting.counting import NOTHING, Count
from c2b.voting.models import Ballot, Pick, Selection, SelectionLine, SelectionOverride, Views
from c2b.voting.order import gallery_order
from c2b.voting.rules import BallotSource, SelectionResult


@dataclass(frozen=True)
class BallotView:
    """A person's ballot as they see it; `picked` are candidates' keys."""

    votes_each: int
    picked: frozenset[int] = frozenset()
    source: BallotSource = BallotSource.DRAFT
    held: bool = False
    serial: str = ""
    version: int = 0
    left_over: int = 0
    """Picks brought along at sign-in that found no vote free, and wait for the person to choose."""

    @property
    def left(self) -> int:
        """Votes that can still be given."""
        return self.votes_each - len(self.picked)


def ballot(session: Session, *, campaign_id: int, person_id: int | None) -> BallotView:
    """Return a person's ballot, an empty one if they gave no vote yet; one statement."""
    query = (
        select(Campaign.votes_each, Ballot.source, Ballot.held_at, Ballot.serial, Ballot.version, Pick.candidate_id)
        .add_columns(left_over.number(campaign_id, person_id).label("left_over"))
        .outerjoin(Ballot, (Ballot.campaign_id == Campaign.id) & (Ballot.person_id == person_id))
        .outerjoin(Pick, (Pick.campaign_id == Ballot.campaign_id) & (Pick.person_id == Ballot.person_id))
        .where(Campaign.id == campaign_id)
    )
    rows = session.execute(query).all()
    first = rows[0]
    if first.serial is None:
        return BallotView(first.votes_each)
    picked = frozenset(row.candidate_id for row in rows if row.candidate_id is not None)
    return BallotView(first.votes_each, picked, first.source, first.held_at is not None, first.serial, first.version, first.left_over)


def order_for(session: Session, campaign: Campaign, viewer: int) -> list[int]:
    """Return the keys of the campaign's candidates in the viewer's own order, withdrawn ones too: their place stays theirs."""
    ids = candidate_ids(session, campaign.id)
    return [ids[position] for position in gallery_order(campaign.secret, viewer, len(ids))]


def counts(session: Session, campaign_id: int) -> dict[int, Count]:
    """Return the votes of each candidate that has any, by key, from what was counted as they came in.

    Until voting closes only staff with `counts` may see this.
    """
    return counting.counts(session, campaign_id, counted_sources(session, campaign_id))


def recount(session: Session, campaign_id: int) -> dict[int, Count]:
    """Return what `counts` does, by counting every pick anew."""
    sources, found = counted_sources(session, campaign_id), dict[int, Count]()
    for (candidate, source, held), votes in counting.recount(session, campaign_id).items():
        if source in sources:
            more = Count(0, votes) if held else Count(votes, 0)
            found[candidate] = Count(*map(add, found.get(candidate, NOTHING), more))
    return found


def views(session: Session, campaign_id: int) -> dict[int, int]:
    """Return how many viewers were shown each candidate, by key; whom nobody has seen yet isn't in it."""
    return dict(session.execute(select(Views.candidate_id, Views.viewers).where(Views.campaign_id == campaign_id)).all())


def counted_sources(session: Session, campaign_id: int) -> list[BallotSource]:
    """Return which sources of ballots count in the campaign; a draft never does."""
    named = session.scalars(select(Campaign.count).where(Campaign.id == campaign_id)).one()
    return [BallotSource(source) for source in named if source != BallotSource.DRAFT.value]


@dataclass(frozen=True)
class Turnout:
    """How many ballots and votes there are of the sources that count, by whether they are held; `raw` is both together."""

    ballots: int
    votes: int
    held_ballots: int
    held_votes: int

    @property
    def raw_votes(self) -> int:
        """Counted and held."""
        return self.votes + self.held_votes


def turnout(session: Session, campaign_id: int) -> Turnout:
    """Return the numbers of ballots with at least one pick, and of their votes, from what was counted as they came in."""
    sources = counted_sources(session, campaign_id)
    sums = {False: [0, 0], True: [0, 0]}
    for (_hour, source, held), cast in counting.hours(session, campaign_id).items():
        if source in sources:
            sums[bool(held)][0] += cast.ballots
            sums[bool(held)][1] += cast.votes
    return Turnout(*sums[False], *sums[True])


@dataclass(frozen=True)
class SelectionRow:
    """A candidate's place in the selection."""

    rank: int
    candidate_id: int
    code: str
    name: str
    name_en: str
    votes: int
    held: int
    result: SelectionResult
    tie_key: str


@dataclass(frozen=True)
class SelectionView:
    """A run of the selection; hashes in hexadecimal. `at` is None for a preview, whose seed is labelled so."""

    places: int
    voters: int
    votes: int
    held_votes: int
    input_hash: str
    ballot_root: str
    seed: str
    output_hash: str
    margin: dict[str, Any]
    lines: tuple[SelectionRow, ...]
    at: datetime | None = None
    actor: str = ""

    @property
    def won(self) -> list[SelectionRow]:
        """The selected candidates, best first."""
        return [line for line in self.lines if line.result is SelectionResult.SELECTED]

    @property
    def lost(self) -> list[SelectionRow]:
        """The others, best first, withdrawn ones among them."""
        return [line for line in self.lines if line.result is not SelectionResult.SELECTED]

    @property
    def most(self) -> int:
        """The votes of the candidate that has most."""
        return max((line.votes for line in self.lines), default=0)


def selection(session: Session, campaign_id: int) -> SelectionView | None:
    """Return the stored run, or None if there is none yet."""
    run = session.get(Selection, campaign_id)
    if run is None:
        return None
    columns = (SelectionLine.rank, SelectionLine.candidate_id, Candidate.code, Candidate.name, Candidate.name_en)
    query = (
        select(*columns, SelectionLine.votes, SelectionLine.held, SelectionLine.result, SelectionLine.tie_key)
        .join(Candidate, Candidate.id == SelectionLine.candidate_id)
        .where(SelectionLine.campaign_id == campaign_id)
        .order_by(SelectionLine.rank)
    )
    return SelectionView(
        places=run.places,
        voters=run.voters,
        votes=run.votes,
        held_votes=run.held_votes,
        input_hash=run.input_hash,
        ballot_root=run.ballot_root,
        seed=run.seed,
        output_hash=run.output_hash,
        margin=run.margin,
        lines=tuple(SelectionRow(*row) for row in session.execute(query)),
        at=run.at,
        actor=run.actor,
    )


def is_published(session: Session, campaign: Campaign) -> bool:
    """Tell whether counts are everybody's: the selection has been made, or there is no vote; the clock alone publishes nothing."""
    made = select(Selection.campaign_id).where(Selection.campaign_id == campaign.id)
    return not has_voting(campaign) or session.scalars(made).one_or_none() is not None


@dataclass(frozen=True)
class Override:
    """A candidate made although it lost, or dropped although it won; it counts from `approved_at` on, and its reason is public."""

    candidate_id: int
    code: str
    rank: int
    made: bool
    reason: str
    proposed_by: str
    proposed_at: datetime
    approved_by: str
    approved_at: datetime | None
    ending_by: str
    ending_reason: str

    @property
    def digest(self) -> str:
        """What a second person agrees to; another reason or another proposal has another one."""
        proposal = {"code": self.code, "made": self.made, "reason": self.reason, "proposed_by": self.proposed_by}
        return tree.digest(
            proposal | {"at": self.proposed_at.isoformat(), "ending_by": self.ending_by, "ending_reason": self.ending_reason}
        )


def overrides(session: Session, campaign_id: int, *, waiting: bool = False) -> list[Override]:
    """Return the overrides in effect by rank; with `waiting` also those that nobody agreed to, which have none."""
    made, line = SelectionOverride, SelectionLine
    own = (made.candidate_id, Candidate.code, line.rank, made.made, made.reason, made.proposed_by, made.proposed_at)
    query = (
        select(*own, made.approved_by, made.approved_at, made.ending_by, made.ending_reason)
        .join(Candidate, Candidate.id == made.candidate_id)
        .join(line, (line.campaign_id == made.campaign_id) & (line.candidate_id == made.candidate_id))
        .where(made.campaign_id == campaign_id)
        .order_by(line.rank)
    )
    if not waiting:
        query = query.where(made.approved_at.is_not(None))
    return [Override(*row) for row in session.execute(query)]


def selected_ids(session: Session, campaign: Campaign) -> list[int]:
    """Return the keys of the selected candidates that aren't withdrawn, best first; without a voting phase all, as in the file.

    Approved overrides are honoured: what was dropped isn't there, what was made although it lost comes last, by rank too.
    """
    here = select(Candidate.id).where(Candidate.campaign_id == campaign.id, Candidate.withdrawn_at.is_(None))
    if has_voting(campaign):
        lost = case((SelectionLine.result == SelectionResult.SELECTED, 0), else_=1)
        made = (SelectionOverride.candidate_id == Candidate.id) & SelectionOverride.approved_at.is_not(None)
        here = here.join(SelectionLine, SelectionLine.candidate_id == Candidate.id).outerjoin(SelectionOverride, made)
        here = here.where(case((SelectionOverride.made.is_(None), lost == 0), else_=SelectionOverride.made)).order_by(
            lost, SelectionLine.rank
        )
    return list(session.scalars(here.order_by(Candidate.position, Candidate.id)))
