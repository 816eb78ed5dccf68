"""What the warehouse packs: one row for each order and SKU that is confirmed, paid, and to be sent still. Personal data.

The Chinese headers are those of the order lists that shops' tools import.
"""

import re

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from c2b.campaigns.models import Campaign, Candidate, OptionValue, Variant
from c2b.deposits.handing_over import is_collected, may_leave
from c2b.deposits.models import Order, OrderLine, ParcelLine
from c2b.errors import N_, Refused
from c2b.exports.sheet import About, Cell, Column, Rows, Sheet, stream
from c2b.production.models import Decision

COLUMNS = (
    Column("order", "订单编号"),
    Column("recipient", "收货人"),
    Column("phone", "联系手机"),
    Column("country", "国家"),
    Column("postal_code", "邮编"),
    Column("province", "省"),
    Column("city", "市"),
    Column("district", "区县"),
    Column("street", "详细地址"),
    Column("address", "收货地址"),
    Column("candidate_code", "外部系统编号"),
    Column("product", "宝贝标题"),
    Column("options", "规格名称"),
    Column("sku", "商家编码"),
    Column("barcode", "条码"),
    Column("weight_g", "单件重量（克）", Cell.INTEGER),
    Column("units", "购买数量", Cell.INTEGER, total=True),
    Column("units_sent", "已发数量", Cell.INTEGER, total=True),
    Column("units_left", "待发数量", Cell.INTEGER, total=True),
    Column("placed_at", "订单创建时间", Cell.INSTANT),
    Column("carrier", "物流公司"),
    Column("number", "物流单号"),
)
"""The last two are empty: filled in by the warehouse the file is the list of parcels that `c2b parcels import` reads, with the units."""
_CN = re.compile(
    r"(?P<province>(?:北京|天津|上海|重庆)市?|[^\s省]{2,6}省|(?:内蒙古|广西壮族|西藏|宁夏回族|新疆维吾尔)自治区|(?:香港|澳门)特别行政区)?\s*"
    r"(?P<city>[^\s]{1,10}?(?:市|自治州|地区|盟))?\s*(?P<district>[^\s区县旗市]{1,10}?(?:自治县|自治旗|新区|区|县|旗|市))?\s*(?P<street>.*)",
    re.DOTALL,
)


def split(address: str, country: str) -> tuple[str, str, str, str]:
    """Return province, city, district and street of a Chinese address as far as it names them; any other address is all street."""
    found = _CN.fullmatch(address.strip()) if country == "CN" else None
    if found is None or not found["province"]:
        return "", "", "", address.strip()
    return found["province"], found["city"] or "", found["district"] or "", found["street"].strip()


def sheet(session: Session, campaign: Campaign, about: About) -> Sheet:
    """Return what can leave, order by order; raises Refused before the decision."""
    decided = session.get(Decision, campaign.id)
    if decided is None:
        raise Refused(N_("“%(slug)s” isn’t decided yet, so nothing can be sent"), slug=campaign.slug)
    return Sheet("shipments", about.word("发货清单", "Shipments"), COLUMNS, _rows(session, campaign, about), about, decided.input_hash)


def _rows(session: Session, campaign: Campaign, about: About) -> Rows:
    line, first, second = OrderLine, aliased(OptionValue), aliased(OptionValue)
    sent = func.coalesce(select(func.sum(ParcelLine.units)).where(ParcelLine.line_id == line.id).correlate(line).scalar_subquery(), 0)
    waits = may_leave() & (sent < line.units) & ~is_collected()
    statement = (
        select(
            *(Order.ref, Order.recipient, Order.phone, Order.country, Order.postal_code, Order.address),
            *(Candidate.code, about.column(Candidate.name, Candidate.name_en)),
            *(about.column(first.value, first.value_en), about.column(second.value, second.value_en)),
            *(Variant.sku, Variant.barcode, Variant.weight_g, line.units, sent, line.units - sent, Order.placed_at),
        )
        .join(Order, Order.id == line.order_id)
        .join(Candidate, Candidate.id == line.candidate_id)
        .join(Variant, Variant.id == line.variant_id)
        .outerjoin(first, first.id == Variant.option1_id)
        .outerjoin(second, second.id == Variant.option2_id)
        .where(line.campaign_id == campaign.id, waits)
        .order_by(Order.id, line.id)
    )
    for ref, recipient, phone, country, postal, address, code, product, one, two, *rest in stream(session, statement):
        options = " / ".join(filter(None, (one, two)))
        yield ref, recipient, phone, country, postal, *split(address, country), address, code, product, options, *rest, "", ""
