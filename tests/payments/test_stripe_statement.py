"""Stripe's own reports as files: what their lines mean, and how to repair what can't be read."""

from datetime import UTC, datetime

import pytest

from c2b.errors import Invalid
from c2b.payments.gateways.stripe.gateway import Stripe
from c2b.payments.protocol import Entry, StatementLine

HEAD = (
    "balance_transaction_id,created_utc,available_on_utc,currency,gross,fee,net,reporting_category,source_id,description,"
    "payment_intent_id,payment_metadata[c2b],refund_metadata[c2b]"
)
CHARGE = "txn_1,2027-03-20 04:00:00,2027-03-27 00:00:00,cny,59.80,2.33,57.47,charge,ch_1,,pi_1,pay-1,"
AT = datetime(2027, 3, 20, 4, 0, tzinfo=UTC)


def report(*lines: str, head: str = HEAD) -> bytes:
    return "\r\n".join([head, *lines, ""]).encode()


def row(category: str, gross: str, fee: str, net: str, names: str) -> str:
    return f"txn_1,2027-03-20 04:00:00,2027-03-27 00:00:00,cny,{gross},{fee},{net},{category},{names}"


def test_a_captured_payment_stands_there_with_our_key_its_intent_and_stripes_fee(stripe: Stripe) -> None:
    assert list(stripe.statement(report(CHARGE))) == [StatementLine(2, Entry.PAYMENT, "pay-1", "pi_1", 5980, 233, "CNY", AT)]


@pytest.mark.parametrize(
    ("line", "entry", "names", "amounts"),
    [
        (row("refund", "-50.00", "0.00", "-50.00", "re_1,,pi_1,pay-1,pay-1-1"), Entry.REFUND, ("pay-1-1", "re_1"), (-5000, 0)),
        (row("refund_failure", "50.00", "0.00", "50.00", "re_1,,pi_1,pay-1,pay-1-1"), Entry.REFUND, ("pay-1-1", "re_1"), (5000, 0)),
        (row("charge_failure", "-59.80", "-2.33", "-57.47", "ch_1,,pi_1,pay-1,"), Entry.PAYMENT, ("pay-1", "pi_1"), (-5980, -233)),
        (row("dispute", "-59.80", "15.00", "-74.80", "du_1,,pi_1,pay-1,"), Entry.DISPUTE, ("pay-1", "du_1"), (-5980, 1500)),
        (row("dispute_reversal", "59.80", "-15.00", "74.80", "du_1,,pi_1,pay-1,"), Entry.DISPUTE, ("pay-1", "du_1"), (5980, -1500)),
        (row("fee", "-2.00", "0.00", "-2.00", ",Radar,,,"), Entry.FEE, ("", "txn_1"), (-200, 0)),
        (row("payout", "-1000.00", "0.00", "-1000.00", "po_1,STRIPE PAYOUT,,,"), Entry.PAYOUT, ("", "po_1"), (-100000, 0)),
        (row("topup", "10.00", "0.00", "10.00", "tu_1,,,,"), Entry.OTHER, ("", "tu_1"), (1000, 0)),
        (row("something_new", "1.00", "0.00", "1.00", "x_1,,,,"), Entry.OTHER, ("", "x_1"), (100, 0)),
        (row("charge", "9.00", "0.56", "8.44", "ch_2,by another shop,pi_2,,"), Entry.PAYMENT, ("", "pi_2"), (900, 56)),
    ],
)
def test_each_kind_of_line_is_what_it_is_to_our_books(
    stripe: Stripe, line: str, entry: Entry, names: tuple[str, str], amounts: tuple[int, int]
) -> None:
    assert list(stripe.statement(report(line))) == [StatementLine(2, entry, *names, *amounts, "CNY", AT)]


def test_a_report_of_payouts_needs_none_of_the_columns_of_payments(stripe: Stripe) -> None:
    head = "payout_id,effective_at_utc,currency,gross,fee,net,reporting_category,balance_transaction_id,payout_status"
    (line,) = stripe.statement(report("po_1,2027-03-20 04:00:00,cny,-57.47,0.00,-57.47,payout,txn_9,paid", head=head))
    assert line == StatementLine(2, Entry.PAYOUT, "", "po_1", -5747, 0, "CNY", AT)


def test_yen_have_no_decimals_and_a_comma_may_stand_for_the_point(stripe: Stripe) -> None:
    yen = CHARGE.replace("cny,59.80,2.33,57.47", "jpy,1200,43,1157")
    comma = CHARGE.replace("59.80,2.33,57.47", '"59,80","2,33","57,47"')
    assert [(line.amount, line.fee, line.currency) for line in stripe.statement(report(yen, comma))] == [
        (1200, 43, "JPY"),
        (5980, 233, "CNY"),
    ]


def test_a_mark_at_the_beginning_quotes_and_lines_within_a_cell_are_read_as_stripe_writes_them(stripe: Stripe) -> None:
    wide = CHARGE.replace("ch_1,,", 'ch_1,"Coat, ""blue""\r\nsize M",')
    lines = list(stripe.statement(b"\xef\xbb\xbf" + report(wide, CHARGE)))
    assert [line.line for line in lines] == [3, 4], "where the line ends in the file"


def test_times_with_a_zone_of_their_own_are_turned_into_ours(stripe: Stripe) -> None:
    (line,) = stripe.statement(report(CHARGE.replace("2027-03-20 04:00:00", "2027-03-20T12:00:00+08:00")))
    assert line.at == AT


def test_a_report_without_lines_is_read_as_none(stripe: Stripe) -> None:
    assert list(stripe.statement(report())) == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "Line 1: the columns balance_transaction_id, reporting_category"),
        ("交易,金额".encode("gb18030"), "isn't text in UTF-8"),
        (report(CHARGE, head=HEAD.replace("gross", "brutto")), "Line 1: the columns gross are missing"),
        (report(CHARGE, head=HEAD.replace("created_utc", "when")), "Line 1: the columns created_utc are missing"),
        (report(CHARGE, head=HEAD.replace(",payment_metadata[c2b]", ",x")), r"the columns payment_metadata\[c2b\] are missing"),
        (report(CHARGE, CHARGE + ",more"), "Line 3 has another number of cells"),
        (report(CHARGE, "txn_2,2027-03-20 04:00:00"), "Line 3 has another number of cells"),
        (report(CHARGE, CHARGE.replace("59.80", "much")), "Line 3, column gross: “much” is no amount"),
        (report(CHARGE.replace("59.80", "1,059.80")), "Line 2 has another number"),
        (report(CHARGE.replace("59.80", "1e999999")), "Line 2, column gross: “1e999999” is no amount"),
        (report(CHARGE.replace("59.80", "")), "Line 2, column gross: “” is no amount"),
        (report(CHARGE.replace("59.80", "59.805")), "Line 2, column gross: “59.805” has more digits than its currency"),
        (report(CHARGE.replace("57.47", "57.48")), "Line 2, column net: “57.48” isn't gross less fee"),
        (report(CHARGE.replace("cny", "yuan")), "Line 2, column currency: “yuan” is no currency"),
        (report(CHARGE.replace("2027-03-20 04:00:00", "yesterday")), "Line 2, column created_utc: “yesterday” is no time"),
        (report(CHARGE, CHARGE.replace("ch_1,,", 'ch_1,"open')), "Line 3: this is no CSV"),
    ],
)
def test_a_file_that_can_not_be_read_says_where_and_what_to_do(stripe: Stripe, content: bytes, says: str) -> None:
    with pytest.raises(Invalid, match=says) as refused:
        stripe.statement(content)
    assert "as Stripe made it" in str(refused.value) or "make Stripe's report" in str(refused.value)
