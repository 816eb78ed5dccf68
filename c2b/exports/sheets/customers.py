"""Who ordered, and where the goods go: one row a customer. Personal data."""

from sqlalchemy import ScalarSelect, func, literal, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.deposits.models import Order, OrderLine
from c2b.deposits.rules import Outcome
from c2b.exports.sheet import About, Cell, Column, Sheet, stream
from c2b.people.models import Address, Person
from c2b.people.rules import AddressKind

COLUMNS = (
    Column("customer", "顾客"),
    Column("name", "称呼"),
    Column("email", "邮箱"),
    Column("phone", "手机"),
    Column("locale", "语言"),
    Column("orders", "订单数", Cell.INTEGER, total=True),
    Column("units", "件数", Cell.INTEGER, total=True),
    Column("deposit", "定金", Cell.MONEY, total=True),
    Column("currency", "币种"),
    Column("recipient", "收件人"),
    Column("recipient_phone", "收件电话"),
    Column("country", "国家"),
    Column("postal_code", "邮编"),
    Column("address", "地址"),
)
_STANDING = (Outcome.OPEN, Outcome.ALLOCATED)


def sheet(session: Session, campaign: Campaign, about: About) -> Sheet:
    """Return everybody who ordered; units and deposits are of lines that are paid and stand, the address is the last order's."""
    stands = OrderLine.outcome.in_(_STANDING) & OrderLine.reserved_at.is_not(None)
    bought = (
        select(
            Order.person_id,
            func.max(Order.id).label("last"),
            func.count(Order.id.distinct()).label("orders"),
            func.coalesce(func.sum(OrderLine.units).filter(stands), 0).label("units"),
            func.coalesce(func.sum(OrderLine.deposit).filter(stands), 0).label("deposit"),
        )
        .join(OrderLine, OrderLine.order_id == Order.id)
        .where(Order.campaign_id == campaign.id)
        .group_by(Order.person_id)
        .subquery()
    )
    statement = (
        select(
            *(Person.ref, Person.name, _address(AddressKind.EMAIL), _address(AddressKind.PHONE), Person.locale),
            *(bought.c.orders, bought.c.units, bought.c.deposit, literal(campaign.currency)),
            *(Order.recipient, Order.phone, Order.country, Order.postal_code, Order.address),
        )
        .join(bought, bought.c.person_id == Person.id)
        .join(Order, Order.id == bought.c.last)
        .order_by(Person.id)
    )
    return Sheet("customers", about.word("顾客", "Customers"), COLUMNS, stream(session, statement), about)


def _address(kind: AddressKind) -> ScalarSelect[str | None]:
    chosen = select(func.min(Address.value)).where(Address.person_id == Person.id, Address.kind == kind)
    return chosen.correlate(Person).scalar_subquery()
