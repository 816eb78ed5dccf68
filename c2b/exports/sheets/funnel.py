"""What votes were worth: one row a candidate, from viewers to returns."""

from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.deposits import funnel
from c2b.exports.sheet import About, Cell, Column, Rows, Sheet

COLUMNS = (
    Column("candidate_code", "款号"),
    Column("candidate_name", "款名"),
    Column("category", "类目"),
    Column("viewers", "浏览人数", Cell.INTEGER, total=True),
    Column("votes", "票数", Cell.INTEGER, total=True),
    Column("units_ordered", "付定金件数", Cell.INTEGER, total=True),
    Column("units_confirmed", "确认件数", Cell.INTEGER, total=True),
    Column("units_paid", "付清件数", Cell.INTEGER, total=True),
    Column("units_delivered", "交付件数", Cell.INTEGER, total=True),
    Column("units_returned", "退货件数", Cell.INTEGER, total=True),
    Column("units_per_100_votes", "每百票件数", Cell.INTEGER),
)


def sheet(session: Session, campaign: Campaign, about: About) -> Sheet:
    """Return every candidate in the order of the file."""
    return Sheet("funnel", about.word("转化漏斗", "Funnel"), COLUMNS, _rows(session, campaign, about), about)


def _rows(session: Session, campaign: Campaign, about: About) -> Rows:
    for row in funnel.funnel(session, campaign, locale=about.locale):
        units = (row.ordered, row.confirmed, row.paid, row.delivered, row.returned)
        yield row.code, row.name, row.category, row.viewers, row.votes, *units, row.worth
