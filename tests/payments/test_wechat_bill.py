"""The trade bill of WeChat Pay, as it is downloaded."""

import gzip
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from c2b.errors import Invalid
from c2b.payments.gateways.wechat import bill
from c2b.payments.protocol import Entry, StatementLine

MERCHANT = "1900007291"
HEAD = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,"
    "微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
PAID = (
    "`2027-03-20 12:00:05,`wx8888,`1900007291,`0,`,`4200002360,`pay-1-abcDEF_123,`oVgf,`JSAPI,`SUCCESS,`OTHERS,`CNY,`59.80,`0.00,"
    "`0,`0,`0.00,`0.00,`,`,`预订 shop.example.com,`,`0.36000,`0.60%,`59.80,`0.00,`"
)
BACK = (
    "`2027-03-20 23:59:59,`wx8888,`1900007291,`0,`,`4200002360,`pay-1-abcDEF_123,`oVgf,`JSAPI,`REFUND,`OTHERS,`CNY,`0.00,`0.00,"
    "`5030270999,`pay-1-abcDEF_123-1,`50.00,`0.00,`ORIGINAL,`SUCCESS,`预订 shop.example.com,`,`-0.30000,`0.60%,`0.00,`50.00,`"
)
TOTALS = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\r\n"
    "`{},`59.80,`50.00,`0.00,`0.06000,`59.80,`50.00"
)


def written(*rows: str, head: str = HEAD, totals: str | None = None) -> bytes:
    ends = TOTALS.format(len(rows)) if totals is None else totals
    return ("\ufeff" + "\r\n".join((head, *rows, ends)) + "\r\n").encode()


def read(content: bytes) -> list[StatementLine]:
    return list(bill.lines(content, merchant=MERCHANT))


PAYMENT = StatementLine(2, Entry.PAYMENT, "pay-1-abcDEF_123", "4200002360", 5980, 36, "CNY", datetime(2027, 3, 20, 4, 0, 5, tzinfo=UTC))
REFUND = StatementLine(
    3, Entry.REFUND, "pay-1-abcDEF_123-1", "5030270999", -5000, -30, "CNY", datetime(2027, 3, 20, 15, 59, 59, tzinfo=UTC)
)


@pytest.mark.parametrize("packed", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_payments_and_refunds_are_read_in_fen_with_their_fees(packed: Callable[[bytes], bytes]) -> None:
    assert read(packed(written(PAID, BACK))) == [PAYMENT, REFUND]


def test_a_day_without_trades_is_a_bill_without_lines() -> None:
    assert read(written()) == []


def test_a_refund_that_is_still_on_its_way_is_in_the_bill_of_the_day_it_was_asked_for() -> None:
    assert read(written(PAID, BACK.replace("`ORIGINAL,`SUCCESS", "`ORIGINAL,`PROCESSING")))[1] == REFUND


def test_a_refund_that_failed_moved_nothing() -> None:
    line = read(written(BACK.replace("`ORIGINAL,`SUCCESS", "`ORIGINAL,`FAIL")))[0]
    assert (line.entry, line.amount, line.fee, line.key) == (Entry.OTHER, 0, 0, "pay-1-abcDEF_123-1")


def test_coupons_at_our_cost_are_not_in_what_came() -> None:
    line = read(written(PAID.replace("`CNY,`59.80,`0.00", "`CNY,`49.80,`0.00")))[0]
    assert line.amount == 4980


def test_the_columns_are_found_by_their_names_and_a_bill_of_payments_has_fewer() -> None:
    names, values = HEAD.split(","), PAID.split(",")
    kept = [at for at, name in enumerate(names) if "退款" not in name]
    turned = list(reversed(kept))
    head, row = (",".join(cells[at] for at in turned) for cells in (names, values))
    assert read(written(row, head=head)) == [PAYMENT]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Line 1: the column 交易时间 is missing"),
        (b"Date,Amount\n1,2\n", "Line 1: the column 交易时间 is missing"),
        (written(PAID, head=HEAD.replace("手续费,", "服务费,")), "Line 1: the column 手续费 is missing"),
        (written(PAID, totals=""), "has 1 trades, its totals count “”"),
        (written(PAID, BACK, totals="总交易单数\n`3"), "has 2 trades, its totals count “3”"),
        (gzip.compress(written(PAID))[:-40], "download it again, the whole of it"),
        (b"\x1f\x8bnot gzip", "no text in UTF-8"),
        (written(PAID).decode("utf-8-sig").encode("gbk"), "no text in UTF-8"),
        (written(PAID.replace("1900007291", "1900000001")), "Line 2, column 商户号, “1900000001”: another merchant's bill"),
        (
            written(PAID, BACK.replace("`50.00,`0.00,`ORIGINAL", "`fifty,`0.00,`ORIGINAL")),
            "Line 3, column 退款金额, “fifty”: an amount like",
        ),
        (written(PAID.replace("`CNY,`59.80", "`CNY,`59.805")), "Line 2, column 应结订单金额, “59.805”: an amount in whole fen"),
        (written(PAID.replace("`CNY,`59.80", "`CNY,`NaN")), "Line 2, column 应结订单金额, “NaN”: an amount in whole fen"),
        (written(PAID.replace("`0.36000", "`0.36100")), "Line 2, column 手续费, “0.36100”"),
        (written(PAID.replace("2027-03-20 12:00:05", "20/3/2027")), "Line 2, column 交易时间, “20/3/2027”: a time like"),
        (written(PAID.replace("`SUCCESS", "`CLOSED")), "Line 2, column 交易状态, “CLOSED”: SUCCESS, REFUND or REVOKED"),
        (written(PAID[: PAID.index("`0.36000")]), "the line ends here"),
    ],
)
def test_a_wrong_file_says_where_and_what_to_do(content: bytes, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        read(content)
    assert said in str(refused.value)


def test_a_refund_in_a_bill_without_the_columns_for_it_names_the_right_bill() -> None:
    names, values = HEAD.split(","), BACK.split(",")
    kept = [at for at, name in enumerate(names) if "退款" not in name]
    head, row = (",".join(cells[at] for at in kept) for cells in (names, values))
    with pytest.raises(Invalid, match=r"column 微信退款单号.*\(ALL\)"):
        read(written(row, head=head))
