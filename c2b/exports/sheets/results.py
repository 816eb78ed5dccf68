"""The selection: every candidate's rank and votes."""

from sqlalchemy import case, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.errors import N_, Refused
from c2b.exports.sheet import About, Cell, Column, Sheet, stream
from c2b.voting.models import Selection, SelectionLine, SelectionOverride

COLUMNS = (
    Column("rank", "名次", Cell.INTEGER),
    Column("candidate_code", "款号"),
    Column("candidate_name", "款名"),
    Column("votes", "票数", Cell.INTEGER, total=True),
    Column("held", "暂扣票数", Cell.INTEGER, total=True),
    Column("result", "结果"),
    Column("tie_key", "抽签值"),
    Column("override", "例外"),
)


def sheet(session: Session, campaign: Campaign, about: About) -> Sheet:
    """Return the selection, best first; raises Refused before it has run.

    `override` says `made` or `dropped` where two people of the brand decided otherwise than the votes; `result` stays the votes'.
    """
    selected = session.get(Selection, campaign.id)
    if selected is None:
        raise Refused(
            N_("“%(slug)s” has no selection yet, so there are no results; run c2b select after voting closes"), slug=campaign.slug
        )
    line = SelectionLine
    name = about.column(Candidate.name, Candidate.name_en)
    own = SelectionOverride
    agreed = (own.campaign_id == campaign.id) & (own.candidate_id == line.candidate_id) & own.approved_at.is_not(None)
    override = case((own.made.is_(None), ""), (own.made, "made"), else_="dropped")
    statement = (
        select(line.rank, Candidate.code, name, line.votes, line.held, line.result, line.tie_key, override)
        .join(Candidate, Candidate.id == line.candidate_id)
        .outerjoin(own, agreed)
        .where(line.campaign_id == campaign.id)
        .order_by(line.rank)
    )
    return Sheet("results", about.word("入选结果", "Results"), COLUMNS, stream(session, statement), about, selected.output_hash)
