"""The campaign's books: one row a transfer."""

from sqlalchemy import func, select, union_all
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.exports.sheet import About, Cell, Column, Sheet, stream
from c2b.ledger.models import Transfer

COLUMNS = (
    Column("id", "编号"),
    Column("at", "时间", Cell.INSTANT),
    Column("event", "事项"),
    Column("debit", "借方"),
    Column("credit", "贷方"),
    Column("amount", "金额", Cell.MONEY, total=True),
    Column("currency", "币种"),
)
_ACCOUNTS = (Column("account", "科目"), Column("opened_at", "开户时间", Cell.INSTANT))


def sheet(session: Session, campaign: Campaign, about: About) -> Sheet:
    """Return all transfers of the campaign, oldest first, with its accounts beside them."""
    of_campaign = Transfer.campaign == campaign.slug
    columns = (Transfer.id, Transfer.at, Transfer.event, Transfer.debit, Transfer.credit, Transfer.amount, Transfer.currency)
    statement = select(*columns).where(of_campaign).order_by(Transfer.at, Transfer.id)
    sides = union_all(
        *(select(side.label("account"), Transfer.at.label("at")).where(of_campaign) for side in (Transfer.debit, Transfer.credit))
    )
    used = sides.subquery()
    accounts = select(used.c.account, func.min(used.c.at)).group_by(used.c.account).order_by(used.c.account)
    beside = Sheet("accounts", "", _ACCOUNTS, stream(session, accounts), about)
    return Sheet("ledger", about.word("账本", "Ledger"), COLUMNS, stream(session, statement), about, beside=(beside,))
