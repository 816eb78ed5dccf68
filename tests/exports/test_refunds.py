from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from c2b.deposits.models import RefundLine
from c2b.deposits.rules import RefundReason
from c2b.exports.kinds import Kind
from c2b.payments.rules import RefundState
from tests import make
from tests.exports import files
from tests.exports.conftest import Shop

KIND = Kind.REFUNDS


def test_its_columns_are_the_published_ones(session: Session, shop: Shop) -> None:
    assert shop.campaign.slug == "ss27"
    assert ", ".join(files.header(session, KIND)) == (
        "refund, payment, order, line, candidate_code, amount, currency, reason, state, queued_at, settled_at, gateway, gateway_reference"
    )


def test_one_refund_of_two_lines_is_two_rows(session: Session, shop: Shop) -> None:
    sizes = shop.sizes(session, shop.knit)
    order = make.order(session, shop.campaign, (sizes["S"], 1), (sizes["M"], 2), ref="order-1")
    lines = make.lines_of(session, order)
    paid = make.payment(session, order, 17940, key="pay-1")
    settled = datetime(2027, 4, 2, 1, 0, tzinfo=UTC)
    make.refund(session, paid, *lines, key="back-1", state=RefundState.SETTLED, settled_at=settled, provider_reference="re_1")
    assert [list(row.values()) for row in files.table(session, KIND)] == [
        [
            *("back-1", "pay-1", "order-1", str(line.id), "K001", amount, "CNY", "missed", "settled"),
            *("2027-03-30T22:00:00+08:00", "2027-04-02T09:00:00+08:00", "sandbox", "re_1"),
        ]
        for line, amount in zip(lines, ["59.80", "119.60"], strict=True)
    ]


def test_money_that_came_late_has_no_line(session: Session, shop: Shop) -> None:
    order = shop.order(session, shop.knit, "S", 1)
    back = make.refund(session, make.payment(session, order, 5980), amount=5980)
    session.add(RefundLine(refund_id=back.id, order_id=order.id, line_id=None, amount=5980, reason=RefundReason.PAID_LATE))
    session.flush()
    (row,) = files.table(session, KIND)
    assert (row["line"], row["candidate_code"], row["amount"], row["reason"], row["settled_at"]) == ("", "", "59.80", "paid_late", "")


def test_totals_equal_the_sum_of_the_lines(session: Session, shop: Shop) -> None:
    for units in (1, 2, 3):
        order = shop.order(session, shop.knit, "S", units)
        make.refund(session, make.payment(session, order, units * 5980), *make.lines_of(session, order))
    _, info = files.made(session, KIND)
    rows = files.table(session, KIND)
    assert (info.rows, info.totals) == (3, {"amount": 6 * 5980})
    assert sum(Decimal(row["amount"]) for row in rows) == Decimal("358.80")


def test_the_decision_that_they_come_from_is_named(session: Session, shop: Shop) -> None:
    assert files.document(session, KIND)["run"] == ""
    make.decision(session, shop.campaign, missed={shop.knit: 3})
    assert files.document(session, KIND)["run"] == "6" * 64


def test_instants_in_the_workbook_are_dates_that_show_their_offset(session: Session, shop: Shop) -> None:
    order = shop.order(session, shop.knit, "S", 1)
    make.refund(session, make.payment(session, order, 5980), *make.lines_of(session, order))
    page = files.workbook(session, KIND)["退款"]
    queued = page.cell(2, 10)
    assert queued.data_type == "d"
    assert queued.value == datetime(2027, 3, 30, 22, 0)  # noqa: DTZ001  a cell has no zone
    assert queued.number_format == 'yyyy-mm-dd"T"hh:mm:ss"+08:00"'
