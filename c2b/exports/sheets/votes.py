"""Counted votes, one row a vote, without saying whose: a voter is the random name of the ballot."""

from sqlalchemy import ColumnElement, ScalarSelect, func, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.exports.sheet import About, Cell, Column, Rows, Sheet, stream
from c2b.voting.models import Ballot, Pick, Selection, SelectionLine
from c2b.voting.rules import SelectionResult

COLUMNS = (Column("voter", "选票"), Column("candidate", "款号"))
_META = (Column("key", ""), Column("value", ""))
_PROJECTS = (Column("project_id", ""), Column("cost", ""), Column("votes", "", Cell.INTEGER), Column("name", ""), Column("category", ""))
_SELECTED = Column("selected", "", Cell.INTEGER)
_VOTE_TYPES = {1: "choose-1"}
"""By votes each; any other number is an approval vote."""
_OF_BALLOT = (Ballot.campaign_id == Pick.campaign_id) & (Ballot.person_id == Pick.person_id)


def sheet(session: Session, campaign: Campaign, about: About) -> Sheet:
    """Return the votes that count, sorted by ballot; as columns they are what `c2b ballots import` reads."""
    statement = (
        select(Ballot.serial, Candidate.code)
        .join(Pick, _OF_BALLOT)
        .join(Candidate, Candidate.id == Pick.candidate_id)
        .where(Ballot.campaign_id == campaign.id, counted(campaign))
        .order_by(Ballot.serial, Candidate.position, Candidate.id)
    )
    beside = (Sheet("META", "", _META, _meta(session, campaign, about), about), _projects(session, campaign, about))
    return Sheet("votes", about.word("选票", "Votes"), COLUMNS, stream(session, statement), about, run(session, campaign), beside)


def counted(campaign: Campaign) -> ColumnElement[bool]:
    """Return what makes a ballot count: its source, and that it isn't held."""
    return Ballot.source.in_(campaign.count) & Ballot.held_at.is_(None)


def held_back(campaign: Campaign) -> ColumnElement[bool]:
    """Return what makes a ballot of a source that counts not count."""
    return Ballot.source.in_(campaign.count) & Ballot.held_at.is_not(None)


def tallies(campaign: Campaign, which: ColumnElement[bool]) -> ScalarSelect[int]:
    """Return each candidate's votes on those ballots, beside a statement that selects from Candidate."""
    of_candidate = (Pick.campaign_id == campaign.id) & (Pick.candidate_id == Candidate.id)
    return select(func.count()).select_from(Pick).join(Ballot, _OF_BALLOT).where(of_candidate, which).correlate(Candidate).scalar_subquery()


def run(session: Session, campaign: Campaign) -> str:
    """Return the hash of the selection's output, or nothing before it."""
    selected = session.get(Selection, campaign.id)
    return selected.output_hash if selected else ""


def _meta(session: Session, campaign: Campaign, about: About) -> Rows:
    """Return what the election was: with every candidate at cost 1, a budget of `places` selects as many."""
    candidates = session.scalars(select(func.count()).where(Candidate.campaign_id == campaign.id)).one()
    voters = select(func.count(Ballot.person_id.distinct())).join(Pick, _OF_BALLOT)
    opens, closes = (about.local(instant or campaign.created_at) for instant in (campaign.voting_opens, campaign.voting_closes))
    yield "description", about.title
    yield "country", campaign.countries[0] if len(campaign.countries) == 1 else "Worldwide"
    yield "unit", about.title
    yield "instance", campaign.slug
    yield "num_projects", candidates
    yield "num_votes", session.scalars(voters.where(Ballot.campaign_id == campaign.id, counted(campaign))).one()
    yield "budget", campaign.places
    yield "vote_type", _VOTE_TYPES.get(campaign.votes_each, "approval")
    yield "rule", "greedy-custom"
    yield "date_begin", f"{opens:%d.%m.%Y}"
    yield "date_end", f"{closes:%d.%m.%Y}"
    yield "min_length", 1
    yield "max_length", min(campaign.votes_each, candidates)
    yield "language", about.word("zh", "en")
    yield "currency", campaign.currency
    if campaign.places >= candidates:
        yield "fully_funded", 1
    yield (
        "comment",
        "#1: The most voted candidates win, as many as there are places; equals by lot. A candidate costs 1, the budget is the places.",
    )


def _projects(session: Session, campaign: Campaign, about: About) -> Sheet:
    """Return every candidate with its votes and, after the selection, whether it was selected."""
    of_line = (SelectionLine.campaign_id == campaign.id) & (SelectionLine.candidate_id == Candidate.id)
    selected = (SelectionLine.result == SelectionResult.SELECTED).label("selected")
    name, category = about.column(Candidate.name, Candidate.name_en), about.column(Candidate.category, Candidate.category_en)
    statement = (
        select(Candidate.code, tallies(campaign, counted(campaign)), name, category, selected)
        .outerjoin(SelectionLine, of_line)
        .where(Candidate.campaign_id == campaign.id)
        .order_by(Candidate.position, Candidate.id)
    )
    found = stream(session, statement)
    if run(session, campaign):
        rows = ((code, 1, votes, title, group, int(won or 0)) for code, votes, title, group, won in found)
        return Sheet("PROJECTS", "", (*_PROJECTS, _SELECTED), rows, about)
    return Sheet("PROJECTS", "", _PROJECTS, ((code, 1, votes, title, group) for code, votes, title, group, _ in found), about)
