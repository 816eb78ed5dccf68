"""What finance reads: open cases with the orders that they are about, statements, and what is held for each customer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, String, and_, case, cast, func, literal, or_, select, union_all
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.deposits.models import Order, OrderLine
from c2b.ledger import rules as accounts
from c2b.ledger.models import GuardedAccount, Transfer
from c2b.ledger.rules import CUSTOMERS, Group
from c2b.payments.models import MoneyCase, Payment, Refund, Statement, StatementRow
from c2b.payments.rules import ON_STATEMENTS, CaseKind

EACH = 25
"""Open cases of one kind that a page shows; the others are counted."""
_NOBODYS = "UTC"


@dataclass(frozen=True)
class CaseRow:
    """One case as a page shows it; `order` and `campaign` are empty where it is about neither."""

    id: int
    kind: CaseKind
    gateway: str
    subject: str
    details: dict[str, Any]
    order: str
    campaign: str
    opened_at: datetime
    closed_at: datetime | None
    closed_by: str
    note: str

    @property
    def name(self) -> str:
        """What a person can look it up by: the provider's reference, or our key."""
        return str(self.details.get("reference") or self.subject)

    @property
    def moved_at(self) -> datetime | None:
        """When what it is about happened, as far as its details say."""
        return datetime.fromisoformat(self.details["at"]) if "at" in self.details else None


@dataclass(frozen=True)
class StatementInfo:
    """One imported statement; `matched` of its new lines agree with the books, None until they were compared."""

    name: str
    gateway: str
    merchant: str
    begins_at: datetime | None
    ends_at: datetime | None
    lines: int
    repeated: int
    sums: dict[str, dict[str, int]]
    imported_at: datetime
    imported_by: str
    matched: int | None

    @property
    def new(self) -> int:
        """Lines that no other statement had brought."""
        return self.lines - self.repeated


def counts(session: Session, *, campaign: str = "") -> dict[CaseKind, int]:
    """Count the open cases by kind, the worst first; of one campaign if its slug is given, with those that belong to none."""
    query = _with_campaign(select(MoneyCase.kind, func.count())).where(MoneyCase.closed_at.is_(None), *_of(campaign))
    found = dict(session.execute(query.group_by(MoneyCase.kind)).all())
    return {kind: found[kind] for kind in CaseKind if kind in found}


def open_cases(session: Session, *, campaign: str = "") -> dict[CaseKind, list[CaseRow]]:
    """Return the open cases by kind, the worst first, of each the longest open; at most `EACH` of a kind."""
    place = func.row_number().over(partition_by=MoneyCase.kind, order_by=(MoneyCase.opened_at, MoneyCase.id)).label("place")
    numbered = _with_campaign(select(MoneyCase.id, place)).where(MoneyCase.closed_at.is_(None), *_of(campaign)).subquery()
    shown = select(numbered.c.id).where(numbered.c.place <= EACH)
    rows = _cases(session, MoneyCase.id.in_(shown), MoneyCase.opened_at, MoneyCase.id)
    found = {kind: [row for row in rows if row.kind is kind] for kind in CaseKind}
    return {kind: of_kind for kind, of_kind in found.items() if of_kind}


def closed_cases(session: Session, *, campaign: str = "", limit: int = EACH) -> list[CaseRow]:
    """Return the cases that were closed last."""
    closed = and_(MoneyCase.closed_at.is_not(None), *_of(campaign))
    return _cases(session, closed, MoneyCase.closed_at.desc(), MoneyCase.id.desc(), limit=limit)


def campaign_of(session: Session, *, case_id: int) -> str:
    """Return the slug of the campaign that a case is about, or nothing."""
    return session.scalars(_with_campaign(select(Campaign.slug)).where(MoneyCase.id == case_id)).one_or_none() or ""


def zone(session: Session) -> str:
    """Return the time zone that the shop's own pages show: the newest campaign's."""
    return session.scalars(select(Campaign.time_zone).order_by(Campaign.id.desc()).limit(1)).first() or _NOBODYS


def _of(campaign: str) -> list[ColumnElement[bool]]:
    return [or_(Campaign.slug == campaign, Campaign.slug.is_(None))] if campaign else []


def _with_campaign(query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    from_cases = query.select_from(MoneyCase).outerjoin(Order, and_(Order.ref == MoneyCase.payer, MoneyCase.payer != ""))
    return from_cases.outerjoin(Campaign, Campaign.id == Order.campaign_id)


def _cases(session: Session, which: ColumnElement[bool], *order: ColumnElement[Any] | Any, limit: int | None = None) -> list[CaseRow]:
    query = _with_campaign(select(MoneyCase, Campaign.slug)).where(which).order_by(*order).limit(limit)
    return [_case(found, slug or "") for found, slug in session.execute(query)]


def _case(found: MoneyCase, slug: str) -> CaseRow:
    names = ("id", "kind", "gateway", "subject", "details", "opened_at", "closed_at", "closed_by", "note")
    return CaseRow(**{name: getattr(found, name) for name in names}, order=found.payer if slug else "", campaign=slug)


def statements(session: Session, *, limit: int = EACH) -> list[StatementInfo]:
    """Return the statements that were imported last."""
    newest = session.scalars(select(Statement).order_by(Statement.id.desc()).limit(limit)).all()
    line = StatementRow
    subject = cast(line.entry, String).concat(":").concat(line.reference).concat(":").concat(cast(line.amount, String))
    live = select(MoneyCase.subject).where(MoneyCase.gone_at.is_(None), MoneyCase.kind.in_(ON_STATEMENTS))
    differs = or_(subject.in_(live), and_(line.key.in_(live), line.key != ""))
    asked = line.statement_id.in_([each.id for each in newest])
    unmatched = dict(session.execute(select(line.statement_id, func.count()).where(asked, differs).group_by(line.statement_id)).all())
    return [_info(each, unmatched.get(each.id, 0)) for each in newest]


def _info(statement: Statement, unmatched: int) -> StatementInfo:
    names = ("name", "gateway", "merchant", "begins_at", "ends_at", "lines", "repeated", "sums", "imported_at", "imported_by")
    new = statement.lines - statement.repeated
    matched = new - unmatched if statement.matched_at else None
    return StatementInfo(**{name: getattr(statement, name) for name in names}, matched=matched)


def customers_money(campaign_id: int) -> Select[*tuple[Any, ...]]:
    """Return a query of what is held for each order of a campaign, by order: reference, placed at, held, shipping, on its way back, owed.

    Amounts in minor units; orders for which nothing is held aren't in it. The columns add up to the accounts of the trial balance.
    """
    found = _on_accounts(campaign_id).subquery()
    sums = [func.sum(case((found.c.group == each, found.c.left), else_=0)) for each in CUSTOMERS]
    query = select(Order.ref, Order.placed_at, *sums).join(found, found.c.order_id == Order.id)
    something = or_(*(each != 0 for each in sums))
    return query.group_by(Order.id, Order.ref, Order.placed_at).having(something).order_by(Order.placed_at, Order.id)


def held_by_orders(session: Session, campaign_id: int) -> int:
    """Return what `customers_money` adds up to, in minor units."""
    return int(session.scalars(select(func.coalesce(func.sum(_on_accounts(campaign_id).subquery().c.left), 0))).one())


def _on_accounts(campaign_id: int) -> CompoundSelect[*tuple[Any, ...]]:
    """Select order, group of accounts and what is left, for each account that belongs to an order."""
    own, guarded, transfer = Order.campaign_id == campaign_id, GuardedAccount, Transfer
    left = (guarded.credits - guarded.debits).label("left")
    of_line = guarded.account == literal(accounts.DEPOSIT).concat(cast(OrderLine.id, String))
    of_shipping = guarded.account == literal(accounts.SHIPPED).concat(Order.ref)
    of_refund = guarded.account == literal(accounts.HOLD).concat(Refund.key)
    owed = literal(accounts.OWED).concat(Order.ref)
    orders = {group: select(Order.id.label("order_id"), literal(group.value).label("group")).where(own) for group in CUSTOMERS}
    lines = orders[Group.DEPOSITS].join(OrderLine, OrderLine.order_id == Order.id)
    refunds = orders[Group.RETURNING].join(Payment, Payment.payer == Order.ref).join(Refund, Refund.payment_id == Payment.id)
    return union_all(
        lines.join(guarded, of_line).add_columns(left),
        orders[Group.SHIPPING_HELD].join(guarded, of_shipping).add_columns(left),
        refunds.join(guarded, of_refund).add_columns(left),
        orders[Group.OWED].join(transfer, transfer.credit == owed).add_columns(transfer.amount.label("left")),
        orders[Group.OWED].join(transfer, transfer.debit == owed).add_columns((-transfer.amount).label("left")),
    )
