"""What the warehouse packs: confirmed, paid, not yet sent; and the file that comes back from it."""

import csv
import io

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.campaigns.rules import CampaignState
from c2b.deposits import parcels
from c2b.deposits.models import Parcel
from c2b.deposits.parcel_file import read_parcels
from c2b.deposits.rules import Outcome
from c2b.errors import Refused
from c2b.exports.kinds import Format, Kind
from c2b.exports.sheets.shipments import split
from c2b.exports.writers.csv import harmless
from tests import make
from tests.deposits.test_parcels import ACTOR, AT, HEADER, TODAY, read, ready
from tests.exports import files
from tests.production.test_defaults import decided

KIND = Kind.SHIPMENTS


def test_a_row_has_all_that_is_packed_and_where_it_goes(session: Session) -> None:
    (order,), sku = ready(session)
    order.recipient, order.phone, order.country, order.postal_code = "王小明", "13800000000", "CN", "322000"
    order.address = "浙江省杭州市西湖区文三路 1 号"
    session.flush()
    (row,) = files.table(session, KIND, now=AT)
    assert (row["order"], row["recipient"], row["phone"], row["postal_code"]) == (harmless(order.ref), "王小明", "13800000000", "322000")
    assert (row["province"], row["city"], row["district"], row["street"]) == ("浙江省", "杭州市", "西湖区", "文三路 1 号")
    assert (row["sku"], row["options"], row["units"], row["units_sent"], row["units_left"]) == (sku, "S", "12", "0", "12")
    assert (row["carrier"], row["number"]) == ("", "")


def test_the_chinese_headers_are_those_of_order_tools(session: Session) -> None:
    ready(session)
    book = files.workbook(session, KIND, now=AT)
    header = [cell.value for cell in book[book.sheetnames[0]][1]]
    assert {"订单编号", "收货人", "收货地址", "联系手机", "宝贝标题", "商家编码", "物流公司", "物流单号", "订单创建时间"} <= set(header)


def test_what_is_unpaid_left_or_sent_is_not_packed(session: Session) -> None:
    orders, sku = ready(session, customers=2)
    entries = read(HEADER + f"{orders[0].ref},{sku},12,SF,SF1,,")
    parcels.enter(session, slug="ss27", entries=entries, actor=ACTOR, now=AT)
    assert [row["order"] for row in files.table(session, KIND, now=AT)] == [harmless(orders[1].ref)]
    make.lines_of(session, orders[1])[0].outcome = Outcome.CANCELLED
    session.flush()
    assert files.table(session, KIND, now=AT) == []


def test_an_unpaid_balance_keeps_an_order_out(session: Session) -> None:
    decided(session)
    assert files.table(session, KIND, now=AT) == []


@pytest.mark.parametrize("form", [Format.CSV, Format.XLSX])
def test_filled_in_it_is_the_list_of_parcels(session: Session, form: Format) -> None:
    orders, sku = ready(session, customers=2)
    parcels.enter(session, slug="ss27", entries=read(HEADER + f"{orders[0].ref},{sku},7,SF,SF0,,"), actor=ACTOR, now=AT)
    data, _ = files.made(session, KIND, form, now=AT, locale="en")
    rows = files.table(session, KIND, now=AT, locale="en")
    if form is Format.XLSX:  # as a spreadsheet would save it as CSV again
        book = files.workbook(session, KIND, now=AT, locale="en")
        names = [str(cell.value) for cell in book[book.sheetnames[0]][1]]
        assert len(names) == len(rows[0])
        rows = [dict(zip(names, row.values(), strict=True)) for row in rows]
    assert data
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    for number, row in enumerate(rows, start=1):
        carrier, code = list(row)[-2:]
        writer.writerow(row | {carrier: "SF", code: f"SF{number}"})
    entries = read_parcels(out.getvalue().encode(), today=TODAY)
    sent = parcels.enter(session, slug="ss27", entries=entries, actor=ACTOR, now=AT)
    assert (sent.findings.problems, sent.parcels) == ([], 2)
    assert sorted(session.scalars(select(Parcel.number))) == ["SF0", "SF1", "SF2"]
    assert files.table(session, KIND, now=AT) == []


def test_before_the_decision_nothing_is_sent(session: Session) -> None:
    make.campaign(session, state=CampaignState.ORDERING)
    with pytest.raises(Refused, match="isn’t decided yet"):
        files.made(session, KIND)


@pytest.mark.parametrize(
    ("address", "country", "parts"),
    [
        ("上海市浦东新区世纪大道 100 号", "CN", ("上海市", "", "浦东新区", "世纪大道 100 号")),
        ("北京朝阳区建国路 1 号", "CN", ("北京", "", "朝阳区", "建国路 1 号")),
        ("广西壮族自治区南宁市青秀区民族大道 5 号", "CN", ("广西壮族自治区", "南宁市", "青秀区", "民族大道 5 号")),
        ("云南省大理白族自治州大理市人民路 2 号", "CN", ("云南省", "大理白族自治州", "大理市", "人民路 2 号")),
        ("浙江省义乌市新马路 1 号", "CN", ("浙江省", "义乌市", "", "新马路 1 号")),
        ("新马路 1 号", "CN", ("", "", "", "新马路 1 号")),
        ("1 Road, Dublin", "IE", ("", "", "", "1 Road, Dublin")),
        ("", "CN", ("", "", "", "")),
    ],
)
def test_a_chinese_address_is_split_as_far_as_it_names_its_parts(address: str, country: str, parts: tuple[str, str, str, str]) -> None:
    assert split(address, country) == parts
