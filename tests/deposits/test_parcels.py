"""Parcels: nothing leaves that isn't paid, nothing twice; the customer knows, and delivered goods are handed over."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from c2b.audit.models import AuditEntry
from c2b.campaigns.models import Variant
from c2b.db import Database
from c2b.deposits import parcel_views, parcels, queries
from c2b.deposits.models import Order, OrderLine, Parcel, ParcelLine
from c2b.deposits.parcel_file import Entries, read_parcels
from c2b.deposits.parcels import Sent
from c2b.deposits.rules import Fulfilment, Outcome
from c2b.errors import Invalid, NotFound, Refused
from c2b.jobs.models import Job
from c2b.messages.models import Message
from c2b.production import undeliverable
from c2b.work import audit
from tests import make
from tests.production.test_defaults import DUE, decided, pays
from tests.statements import counted

AT = DUE + timedelta(days=30)
TODAY = AT.date()
ACTOR = "staff:warehouse@example.com"
HEADER = "order,sku,units,carrier,number,sent,delivered\n"


def ready(session: Session, customers: int = 1, **campaign: Any) -> tuple[list[Order], str]:
    """Let customers pay everything for twelve K1 each; their orders and the SKU."""
    _, orders = decided(session, customers=customers, **campaign)
    for order in orders:
        pays(session, order, DUE)
    return orders, session.scalars(select(Variant.sku).join(OrderLine, OrderLine.variant_id == Variant.id).limit(1)).one()


def read(text: str) -> Entries:
    return read_parcels(text.encode(), today=TODAY)


def enter(session: Session, *rows: str, header: str = HEADER, after: timedelta = timedelta()) -> Sent:
    return parcels.enter(session, slug="ss27", entries=read(header + "\n".join(rows)), actor=ACTOR, now=AT + after)


def said(sent: Sent) -> list[str]:
    return [f"{each.row} {each.column}: {each.message % each.values}" for each in sent.findings.problems]


def packed(session: Session) -> list[tuple[str, int]]:
    query = select(Parcel.number, ParcelLine.units).join(ParcelLine, ParcelLine.parcel_id == Parcel.id).order_by(Parcel.id)
    return [(number, units) for number, units in session.execute(query)]


def test_an_order_leaves_in_two_parcels_and_is_handed_over_when_both_came(session: Session) -> None:
    (order,), sku = ready(session)
    enter(session, f"{order.ref},{sku},7,SF,SF1,2027-05-01,", f"{order.ref},{sku},5,SF,SF2,2027-05-03,")
    assert packed(session) == [("SF1", 7), ("SF2", 5)]
    first = enter(session, f"{order.ref},{sku},7,SF,SF1,2027-05-01,2027-05-04", after=timedelta(hours=1))
    assert (first.parcels, first.delivered, make.lines_of(session, order)[0].handed_over_at) == (0, 0, None)
    second = enter(session, f"{order.ref},{sku},5,SF,SF2,2027-05-03,2027-05-05", after=timedelta(hours=2))
    (line,) = make.lines_of(session, order)
    assert (second.delivered, line.fulfilment) == (1, Fulfilment.SHIPPED)
    assert line.handed_over_at is not None
    assert line.handed_over_at.date() == date(2027, 5, 5)
    assert audit(session) == []


def test_a_line_is_on_its_way_once_all_of_it_left_and_here_again_if_that_was_a_mistake(session: Session) -> None:
    (order,), sku = ready(session)
    enter(session, f"{order.ref},{sku},7,SF,SF1,,")
    assert make.lines_of(session, order)[0].fulfilment is Fulfilment.NONE
    enter(session, f"{order.ref},{sku},5,SF,SF2,,")
    assert make.lines_of(session, order)[0].fulfilment is Fulfilment.SHIPPED
    found = parcel_views.latest(session, make.campaign_of(session, "ss27"), search="SF2")
    parcel_views.take_out(session, slug="ss27", parcel=found[0].id, actor=ACTOR, now=AT)
    session.expire_all()
    assert make.lines_of(session, order)[0].fulfilment is Fulfilment.NONE


def test_what_left_is_not_declared_undeliverable(session: Session) -> None:
    (order,), sku = ready(session)
    enter(session, f"{order.ref},{sku},12,SF,SF1,,")
    about: dict[str, Any] = {"slug": "ss27", "code": "K1", "reason": "Fire", "actor": ACTOR, "now": AT}
    assert undeliverable.cannot_deliver(session, **about) == 0


def test_the_same_list_again_changes_nothing(session: Session) -> None:
    (order,), sku = ready(session)
    rows = [f"{order.ref},{sku},7,SF,SF1,2027-05-01,", f"{order.ref},{sku},5,SF,SF2,2027-05-03,2027-05-05"]
    enter(session, *rows)
    again = enter(session, *rows, after=timedelta(hours=1))
    assert (again.written, again.parcels, again.delivered, again.unchanged) == (True, 0, 0, 2)
    assert packed(session) == [("SF1", 7), ("SF2", 5)]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("nobody,{sku},1,SF,SF1,,", "2 order: there is no such order in this campaign"),
        ("{ref},K9-S,1,SF,SF1,,", "2 sku: this order has no such SKU"),
        ("{ref},{sku},13,SF,SF1,,", "2 units: only 12 of it are left to send"),
        ("{ref},{sku},many,SF,SF1,,", "2 units: is not a number of pieces"),
        ("{ref},{sku},0,SF,SF1,,", "2 units: is not a number of pieces"),
        ("{ref},{sku},,SF,SF1,,", "2 units: the cell is empty"),
        ("{ref},{sku},1,,SF1,,", "2 carrier: the cell is empty"),
        ("{ref},{sku},1,SF," + "9" * 61 + ",,", "2 number: the text is too long"),
        ("{ref},{sku},1,SF,SF1,yesterday,", "2 sent: is not a day"),
        ("{ref},{sku},1,SF,SF1,2027-02-31,", "2 sent: is not a day"),
        ("{ref},{sku},1,SF,SF1,2099-01-01,", "2 sent: the days can’t be"),
        ("{ref},{sku},1,SF,SF1,2027-05-05,2027-05-04", "2 delivered: the days can’t be"),
    ],
)
def test_a_row_that_cannot_be_is_named_with_its_place_and_repair(session: Session, row: str, problem: str) -> None:
    (order,), sku = ready(session)
    sent = enter(session, row.format(ref=order.ref, sku=sku))
    assert said(sent) == [problem]
    assert all(each.repair for each in sent.findings.problems)
    assert packed(session) == []


def test_one_wrong_row_keeps_the_whole_list_out(session: Session) -> None:
    (order,), sku = ready(session)
    sent = enter(session, f"{order.ref},{sku},1,SF,SF1,,", f"{order.ref},{sku},12,SF,SF2,,")
    assert said(sent) == ["3 units: only 11 of it are left to send"]
    assert (sent.written, packed(session)) == (False, [])


def test_what_is_not_paid_or_was_left_stays_here(session: Session) -> None:
    _, (order,) = decided(session)
    sku = session.scalars(select(Variant.sku).join(OrderLine, OrderLine.variant_id == Variant.id)).one()
    assert said(enter(session, f"{order.ref},{sku},1,SF,SF1,,")) == ["2 order: the balance or the shipping isn’t paid yet"]
    make.lines_of(session, order)[0].outcome = Outcome.CANCELLED
    session.flush()
    assert said(enter(session, f"{order.ref},{sku},1,SF,SF1,,")) == ["2 order: this product isn’t confirmed for this order, or was left"]


def test_a_parcel_that_is_known_with_other_units_is_not_changed_silently(session: Session) -> None:
    (order,), sku = ready(session)
    enter(session, f"{order.ref},{sku},7,SF,SF1,,")
    assert said(enter(session, f"{order.ref},{sku},6,SF,SF1,,")) == ["2 units: this parcel holds 7 of it already"]


def test_a_parcel_entered_wrongly_is_taken_out_until_it_was_delivered(session: Session) -> None:
    (order,), sku = ready(session)
    enter(session, f"{order.ref},{sku},12,SF,WRONG,,")
    (found,) = parcel_views.latest(session, make.campaign_of(session, "ss27"))
    parcel_views.take_out(session, slug="ss27", parcel=found.id, actor=ACTOR, now=AT)
    assert packed(session) == []
    enter(session, f"{order.ref},{sku},12,SF,SF1,,2027-05-05")
    (found,) = parcel_views.latest(session, make.campaign_of(session, "ss27"))
    with pytest.raises(Refused, match="was delivered"):
        parcel_views.take_out(session, slug="ss27", parcel=found.id, actor=ACTOR, now=AT)
    with pytest.raises(NotFound):
        parcel_views.take_out(session, slug="ss27", parcel=found.id + 9, actor=ACTOR, now=AT)


def test_the_list_may_come_as_order_tools_write_it(session: Session) -> None:
    (order,), sku = ready(session)
    header = "订单编号,宝贝标题,商家编码,购买数量,物流公司,物流单号,发货时间,签收时间\n"
    text = f"{header}{order.ref},针织衫,{sku},12,顺丰速运,SF0001,2027/5/1 10:22,\n"
    entries = read_parcels(text.encode("gb18030"), today=TODAY)
    sent = parcels.enter(session, slug="ss27", entries=entries, actor=ACTOR, now=AT)
    assert (sent.parcels, session.scalars(select(Parcel.sent_on)).one()) == (1, date(2027, 5, 1))


def test_an_order_whose_name_looks_like_a_formula_comes_back_as_it_went_out(session: Session) -> None:
    (order,), sku = ready(session)
    order.ref = "-DR0VSgM9TtcWwuo"
    session.flush()
    assert enter(session, f"'{order.ref},{sku},12,SF,SF1,,").parcels == 1


def test_rows_that_nobody_packed_yet_are_passed_over(session: Session) -> None:
    orders, sku = ready(session, customers=2)
    sent = enter(session, f"{orders[0].ref},{sku},12,SF,SF1,,", f"{orders[1].ref},{sku},12,,,,")
    assert (sent.written, sent.parcels) == (True, 1)


def test_a_list_without_the_columns_is_refused_as_a_whole() -> None:
    with pytest.raises(Invalid, match="carrier, number"):
        read("order,sku,units\na,b,1\n")


def test_its_customer_is_told_once_of_each_parcel(database: Database) -> None:
    with database.transaction() as session:
        (order,), sku = ready(session)
        ref, person = order.ref, order.person_id
        enter(session, f"{ref},{sku},7,SF,SF1,,", f"{ref},{sku},5,SF,SF2,,")
    with database.reading() as session:
        (payload,) = session.scalars(select(Job.payload).where(Job.kind == "deposits.tell_parcels"))
    for _ in range(2):
        parcel_views.tell_parcels(database, payload, AT)
    with database.reading() as session:
        told = session.scalars(select(Message).where(Message.template == "parcel_sent").order_by(Message.id)).all()
        assert [message.fields["number"] for message in told] == ["SF1", "SF2"]
        seen = queries.order(session, ref=ref, person_id=person, locale="en", now=AT)
    assert [(parcel.number, parcel.goods) for parcel in seen.parcels] == [("SF1", (("Design K1", 7),)), ("SF2", (("Design K1", 5),))]


@pytest.mark.parametrize(
    ("carrier", "number", "begins"),
    [("DHL Express", "0034", "https://www.dhl.com/"), ("ups", "1Z9", "https://www.ups.com/"), ("SF", "SF1", ""), ("DHL", "1&x=2", "")],
)
def test_only_a_carrier_that_is_surely_known_is_linked(carrier: str, number: str, begins: str) -> None:
    view = parcel_views.ParcelView(1, "A1", carrier, number, TODAY, None, ())
    assert view.address.startswith(begins)
    assert bool(view.address) is bool(begins)


def test_how_far_delivery_is(session: Session) -> None:
    orders, sku = ready(session, customers=3)
    enter(session, f"{orders[0].ref},{sku},12,SF,SF1,,2027-05-05", f"{orders[1].ref},{sku},5,SF,SF2,,")
    assert parcel_views.shipping(session, make.campaign_of(session, "ss27")) == parcel_views.Shipping(2, 19, 17, 12)


def test_a_list_of_many_orders_costs_as_many_statements_as_one_of_few(database: Database) -> None:
    counts: list[int] = []
    with database.transaction() as session:
        orders, sku = ready(session, customers=12)
    for own in (orders[:2], orders[2:]):
        with counted(database) as statements, database.transaction() as session:
            enter(session, *(f"{order.ref},{sku},12,SF,{order.ref[:9]},," for order in own), after=timedelta(seconds=len(counts)))
        counts.append(len([each for each in statements if not each.startswith("INSERT INTO parcel")]))
    assert counts[0] == counts[1]
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Parcel)) == 12


def test_who_entered_parcels_stands_in_the_audit_log(session: Session) -> None:
    (order,), sku = ready(session)
    enter(session, f"{order.ref},{sku},12,SF,SF1,,")
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "deposits.enter_parcels")).one()
    assert (entry.actor, entry.after) == (ACTOR, {"parcels": 1, "delivered_lines": 0})
