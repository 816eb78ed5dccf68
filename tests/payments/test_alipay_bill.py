"""Alipay's bill of trades as merchants download it."""

from datetime import UTC, datetime

import pytest

from c2b.errors import Invalid
from c2b.payments.gateways.alipay.bill import read, refund_reference
from c2b.payments.protocol import Entry, StatementLine

HEADER = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）,"
    "支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,"
    "退款批次号/请求号,服务费（元）,分润（元）,备注"
)
KEY, TRADE = "GEZDGNBVGY3TQOJQ", "2027032022001400000000000000"


def line(kind: str, amount: str, fee: str, request: str = "", *, ended: str = "2027-03-20 12:05:01", got: str = "") -> str:
    before = f'{TRADE}\t,{KEY}\t,{kind}\t,"订单 {KEY}",2027-03-20 12:00:00,{ended},,,,,b***@example.com,{amount},{got or amount}'
    return f"{before},0.00,0.00,0.00,0.00,0.00,,0.00,0.00,{request}\t,{fee},0.00,"


def bill(*lines: str, header: str = HEADER) -> bytes:
    top = ["#支付宝业务明细查询", "#账号：[20880000000000010156]", "#起始日期：[2027年03月20日 00:00:00]", "#-----业务明细列表-----"]
    end = ["#-----业务明细列表结束-----", "#导出时间：[2027年03月21日 09:00:00]"]
    return "\r\n".join([*top, header, *lines, *end, ""]).encode("gbk")


def test_payments_and_refunds_are_read_with_their_numbers_amounts_and_fees() -> None:
    at = datetime(2027, 3, 20, 4, 5, 1, tzinfo=UTC)
    found = read(bill(line("交易", "59.80", "-0.36"), line("退款", "-50.00", "0.30", f"{KEY}-1")))
    assert found == [
        StatementLine(6, Entry.PAYMENT, KEY, TRADE, 5980, 36, "CNY", at),
        StatementLine(7, Entry.REFUND, f"{KEY}-1", refund_reference(TRADE, f"{KEY}-1"), -5000, -30, "CNY", at),
    ]


def test_what_came_to_us_counts_not_what_the_order_was() -> None:
    (found,) = read(bill(line("交易", "59.80", "0.00", got="54.80")))
    assert (found.amount, found.fee) == (5480, 0)


def test_lines_of_other_kinds_are_kept_as_such() -> None:
    (found,) = read(bill(line("分账", "-1.00", "0.00")))
    assert (found.entry, found.amount) == (Entry.OTHER, -100)


def test_a_bill_without_trades_is_empty_and_utf_8_is_read_too() -> None:
    assert read(bill()) == []
    assert len(read(bill(line("交易", "59.80", "0.00")).decode("gbk").encode("utf-8-sig"))) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04", "unpack it"),
        (b"\xff\xff\xff", "not text"),
        (b"", "Line 1: the column 支付宝交易号 is missing"),
        (bill(header=HEADER.replace("服务费（元）", "费")), "Line 5: the column 服务费（元） is missing"),
        (bill(header="账务流水号,业务流水号,商户订单号"), "bill of the account"),
        (bill(line("交易", "59.80", "0.00"), "a,b"), "Line 7 has 2 columns instead of 25"),
        (bill(line("交易", "many", "0.00")), "Line 6, column 商家实收（元）: “many” can’t be read"),
        (bill(line("交易", "59.80", "")), "Line 6, column 服务费（元）: “” can’t be read"),
        (bill(line("交易", "59.80", "0.00", ended="noon")), "Line 6, column 完成时间: “noon” can’t be read"),
    ],
)
def test_a_wrong_file_is_refused_by_line_column_and_repair(content: bytes, words: str) -> None:
    with pytest.raises(Invalid) as problem:
        read(content)
    assert words in str(problem.value)
