"""Pre-orders: one row an order line, with its outcome, its money and its goods side by side."""

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate, Variant
from c2b.deposits.models import Order, OrderLine, Pickup
from c2b.deposits.rules import Outcome, money_state
from c2b.deposits.standing import FACTS, joined, line_money
from c2b.exports.sheet import About, Cell, Column, Rows, Sheet, stream
from c2b.people.models import Person
from c2b.production.models import Decision
from c2b.stores.models import Store

COLUMNS = (
    Column("order", "订单"),
    Column("line", "订单行", Cell.INTEGER),
    Column("placed_at", "下单时间", Cell.INSTANT),
    Column("customer", "顾客"),
    Column("candidate_code", "款号"),
    Column("sku", "SKU"),
    Column("units", "件数", Cell.INTEGER, total=True),
    Column("unit_price", "预订价", Cell.MONEY),
    Column("final_unit_price", "成交价", Cell.MONEY),
    Column("deposit", "定金", Cell.MONEY, total=True),
    Column("balance", "尾款", Cell.MONEY, total=True),
    Column("currency", "币种"),
    Column("outcome", "定案结果"),
    Column("money", "款项状态"),
    Column("fulfilment", "交付状态"),
    Column("store", "门店"),
)
_STANDING = (Outcome.OPEN, Outcome.ALLOCATED)


def sheet(session: Session, campaign: Campaign, about: About) -> Sheet:
    """Return all order lines, oldest first; the balance is at most that before the decision, and nothing for a line that ended."""
    decided = session.get(Decision, campaign.id)
    title = about.word("预订与定金", "Deposits")
    return Sheet("deposits", title, COLUMNS, _rows(session, campaign, about), about, decided.input_hash if decided else "")


def _rows(session: Session, campaign: Campaign, about: About) -> Rows:
    line = OrderLine
    owed = line.units * func.coalesce(line.final_unit_price, line.unit_price) - line.deposit
    statement = (
        select(
            *(Order.ref, line.id, Order.placed_at, Person.ref, Candidate.code, Variant.sku, line.units, line.unit_price),
            *(line.final_unit_price, line.deposit, case((line.outcome.in_(_STANDING), owed), else_=0), line.fulfilment, Store.code, *FACTS),
        )
        .join(Order, Order.id == line.order_id)
        .join(Person, Person.id == Order.person_id)
        .join(Candidate, Candidate.id == line.candidate_id)
        .join(Variant, Variant.id == line.variant_id)
        .outerjoin(Pickup, Pickup.order_id == line.order_id)
        .outerjoin(Store, Store.id == Pickup.store_id)
        .where(line.campaign_id == campaign.id)
        .order_by(line.id)
    )
    for row in stream(session, joined(statement)):
        *shown, fulfilment, store = row[: -len(FACTS)]
        money = line_money(row[-len(FACTS) :])
        yield *shown, about.currency, money.outcome, money_state(money, about.made_at), fulfilment, store or ""
