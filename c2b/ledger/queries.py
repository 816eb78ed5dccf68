"""What is on the accounts; amounts in minor units."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, Select, case, func, literal, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from c2b.ledger.models import Transfer
from c2b.ledger.rules import CUSTOMERS_ACCOUNTS, Balance, Posting


def balances(session: Session, accounts: Collection[str]) -> dict[str, int]:
    """Return what is on each of `accounts`; an account that nothing was booked on has 0."""
    sides = _sides().subquery()
    rows = session.execute(
        select(sides.c.account, func.sum(sides.c.credit - sides.c.debit)).where(sides.c.account.in_(accounts)).group_by(sides.c.account)
    )
    return dict.fromkeys(accounts, 0) | {account: int(left) for account, left in rows}


def transfers(session: Session, *, beginning: str) -> list[Posting]:
    """Return the transfers whose id begins so, by id."""
    rows = session.scalars(select(Transfer).where(Transfer.id.startswith(beginning, autoescape=True)).order_by(Transfer.id))
    return [Posting(row.id, row.debit, row.credit, row.amount, row.event) for row in rows]


def trial_balance(session: Session, *, campaign: str | None = None) -> list[Balance]:
    """Return every account's sums, by name; of one campaign if given. Over all accounts debits equal credits."""
    sides = _sides(campaign).subquery()
    rows = session.execute(
        select(sides.c.account, sides.c.currency, func.sum(sides.c.debit), func.sum(sides.c.credit))
        .group_by(sides.c.account, sides.c.currency)
        .order_by(sides.c.account, sides.c.currency)
    )
    return [Balance(account, currency, int(debited), int(credited)) for account, currency, debited, credited in rows]


def short_balance(session: Session, *, campaign: str | None = None) -> list[Balance]:
    """Return the trial balance with customers' accounts added up: one line for all `dep:`, for all `hold:` and so on, by name.

    As many lines as a page can show, however many customers there are.
    """
    sides = _sides(campaign).subquery()
    account = case(*((sides.c.account.startswith(each), each) for each in CUSTOMERS_ACCOUNTS), else_=sides.c.account)
    rows = session.execute(
        select(account.label("shown"), sides.c.currency, func.sum(sides.c.debit), func.sum(sides.c.credit))
        .group_by("shown", sides.c.currency)
        .order_by("shown", sides.c.currency)
    )
    return [Balance(shown, currency, int(debited), int(credited)) for shown, currency, debited, credited in rows]


def held_for_customers(session: Session, *, campaign: str) -> int:
    """Return what is on all customers' accounts of a campaign together, in minor units: one look at its transfers, no account by itself."""
    came, went = (func.sum(case((_is_customers(side), Transfer.amount), else_=0)) for side in (Transfer.credit, Transfer.debit))
    return int(session.scalars(select(func.coalesce(came - went, 0)).where(Transfer.campaign == campaign)).one())


def _is_customers(account: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    return or_(*(account.startswith(each) for each in CUSTOMERS_ACCOUNTS))


def _sides(campaign: str | None = None) -> Select[str, str, int, int]:
    """Each transfer twice: once for the account that it leaves, once for the one that it reaches."""
    zero = literal(0)
    left = select(Transfer.debit.label("account"), Transfer.currency, Transfer.amount.label("debit"), zero.label("credit"))
    reached = select(Transfer.credit.label("account"), Transfer.currency, zero.label("debit"), Transfer.amount.label("credit"))
    if campaign is not None:
        left, reached = left.where(Transfer.campaign == campaign), reached.where(Transfer.campaign == campaign)
    both = union_all(left, reached).subquery()
    return select(both.c.account, both.c.currency, both.c.debit, both.c.credit)
