"""What goes to which store for whom: one row for each order and SKU that is confirmed and collected there. Personal data."""

from sqlalchemy import case, literal, select
from sqlalchemy.orm import Session, aliased

from c2b.campaigns.models import Campaign, Candidate, OptionValue, Variant
from c2b.deposits.handing_over import may_leave
from c2b.deposits.models import Order, OrderLine, Pickup
from c2b.deposits.pickups import AT_STORE
from c2b.deposits.rules import Outcome
from c2b.errors import N_, Refused
from c2b.exports.sheet import About, Cell, Column, Rows, Sheet, stream
from c2b.production.models import Decision
from c2b.stores.models import Store

COLUMNS = (
    Column("store_code", "门店编码"),
    Column("store", "门店"),
    Column("city", "城市"),
    Column("order", "订单编号"),
    Column("recipient", "收货人"),
    Column("phone", "联系手机"),
    Column("candidate_code", "款号"),
    Column("product", "商品"),
    Column("options", "规格"),
    Column("sku", "商家编码"),
    Column("barcode", "条码"),
    Column("units", "件数", Cell.INTEGER, total=True),
    Column("state", "自提状态"),
    Column("handed_out_at", "取货时间", Cell.INSTANT),
)
"""Sorted by store and SKU it is the list of what a warehouse sends to each store. The codes that customers show aren't in it."""


def sheet(session: Session, campaign: Campaign, about: About) -> Sheet:
    """Return what is collected, store by store and SKU by SKU; raises Refused before the decision.

    The state is `unpaid`, `to_send`, `in_store` or `handed_out`.
    """
    decided = session.get(Decision, campaign.id)
    if decided is None:
        raise Refused(N_("“%(slug)s” isn’t decided yet, so nothing can be collected"), slug=campaign.slug)
    return Sheet("pickups", about.word("自提清单", "Store pickups"), COLUMNS, _rows(session, campaign, about), about, decided.input_hash)


def _rows(session: Session, campaign: Campaign, about: About) -> Rows:
    line, first, second = OrderLine, aliased(OptionValue), aliased(OptionValue)
    ready = case((AT_STORE, literal("in_store")), else_=literal("to_send"))
    state = case((line.handed_over_at.is_not(None), literal("handed_out")), (may_leave(), ready), else_=literal("unpaid"))
    statement = (
        select(
            *(Store.code, Store.name, Store.city, Order.ref, Order.recipient, Order.phone, Candidate.code),
            *(about.column(Candidate.name, Candidate.name_en), about.column(first.value, first.value_en)),
            *(about.column(second.value, second.value_en), Variant.sku, Variant.barcode, line.units, state, line.handed_over_at),
        )
        .join(Order, Order.id == line.order_id)
        .join(Pickup, Pickup.order_id == line.order_id)
        .join(Store, Store.id == Pickup.store_id)
        .join(Candidate, Candidate.id == line.candidate_id)
        .join(Variant, Variant.id == line.variant_id)
        .outerjoin(first, first.id == Variant.option1_id)
        .outerjoin(second, second.id == Variant.option2_id)
        .where(line.campaign_id == campaign.id, line.outcome == Outcome.ALLOCATED)
        .order_by(Store.code, Variant.sku, line.id)
    )
    for *about_order, product, one, two, sku, barcode, units, where, at in stream(session, statement):
        yield *about_order, product, " / ".join(filter(None, (one, two))), sku, barcode, units, where, at
