from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.orm import Session

from c2b.deposits.models import Obligation, OrderLine
from c2b.deposits.rules import Fulfilment, ObligationKind, ObligationState, Outcome
from c2b.exports.kinds import Kind
from c2b.payments.rules import RefundState
from tests import make
from tests.exports import files
from tests.exports.conftest import Shop

KIND = Kind.DEPOSITS
PROVIDER = "psp:sandbox:main"


def ordered(session: Session, shop: Shop, units: int = 1, **values: Any) -> OrderLine:
    """Order a knit in S whose line has `values`."""
    order = make.order(session, shop.campaign, (shop.sizes(session, shop.knit)["S"], units), line=values)
    return make.lines_of(session, order)[0]


def pays(session: Session, shop: Shop, line: OrderLine) -> None:
    make.transfer(session, shop.campaign, f"cap:{line.id}", line.deposit, debit=PROVIDER, credit=f"dep:{line.id}")


def gets_back(session: Session, shop: Shop, line: OrderLine, state: RefundState) -> None:
    make.transfer(session, shop.campaign, f"ref:{line.id}", line.deposit, debit=f"dep:{line.id}", credit=f"hold:{line.id}")
    order = make.order_of(session, line)
    make.refund(session, make.payment(session, order, line.deposit), line, state=state)


def owes(session: Session, line: OrderLine, state: ObligationState, due_in: timedelta) -> None:
    keys = {"order_id": line.order_id, "line_id": line.id, "kind": ObligationKind.BALANCE}
    session.add(Obligation(**keys, amount=23920, due_at=files.LATER + due_in, state=state))
    session.flush()


def test_its_columns_are_the_published_ones(session: Session, shop: Shop) -> None:
    assert shop.campaign.slug == "ss27"
    assert ", ".join(files.header(session, KIND)) == (
        "order, line, placed_at, customer, candidate_code, sku, units, unit_price, final_unit_price, deposit, balance, currency, outcome, "
        "money, fulfilment, store"
    )


def test_every_line_is_a_row(session: Session, shop: Shop) -> None:
    anna, sizes = make.person(session, ref="anna-1"), shop.sizes(session, shop.knit)
    order = make.order(session, shop.campaign, (sizes["S"], 1), (sizes["M"], 2), by=anna, ref="order-1")
    first, second = (str(line.id) for line in make.lines_of(session, order))
    assert [list(row.values()) for row in files.table(session, KIND)] == [
        [
            *("order-1", first, "2027-03-17T10:00:00+08:00", "anna-1", "K001", "ss27-K001-S", "1", "299.00", "", "59.80", "239.20"),
            *("CNY", "open", "deposit_due", "none", ""),
        ],
        [
            *("order-1", second, "2027-03-17T10:00:00+08:00", "anna-1", "K001", "ss27-K001-M", "2", "299.00", "", "119.60", "478.40"),
            *("CNY", "open", "deposit_due", "none", ""),
        ],
    ]


def test_the_balance_is_of_the_final_price(session: Session, shop: Shop) -> None:
    ordered(session, shop, 2, outcome=Outcome.ALLOCATED, final_unit_price=25900, fulfilment=Fulfilment.IN_PRODUCTION)
    (row,) = files.table(session, KIND)
    assert (row["unit_price"], row["final_unit_price"], row["deposit"], row["balance"]) == ("299.00", "259.00", "119.60", "398.40")
    assert (row["outcome"], row["fulfilment"]) == ("allocated", "in_production")


@pytest.mark.parametrize("outcome", [Outcome.MISSED, Outcome.CANCELLED])
def test_a_line_that_ended_owes_no_balance(session: Session, shop: Shop, outcome: Outcome) -> None:
    ordered(session, shop, outcome=outcome)
    (row,) = files.table(session, KIND)
    assert (row["balance"], row["outcome"]) == ("0.00", outcome)


def test_money_is_derived_from_the_ledger(session: Session, shop: Shop) -> None:
    unpaid, paid = ordered(session, shop, reserved_at=None), ordered(session, shop)
    dropped = ordered(session, shop, outcome=Outcome.CANCELLED, reserved_at=None)
    pays(session, shop, paid)
    rows = {int(row["line"]): row["money"] for row in files.table(session, KIND)}
    assert rows == {unpaid.id: "deposit_due", paid.id: "held", dropped.id: "nothing"}


@pytest.mark.parametrize(
    ("state", "money"), [(RefundState.QUEUED, "refund_due"), (RefundState.UNKNOWN, "refund_due"), (RefundState.SETTLED, "refunded")]
)
def test_a_missed_line_is_refunded_when_the_provider_says_so(session: Session, shop: Shop, state: RefundState, money: str) -> None:
    line = ordered(session, shop, outcome=Outcome.MISSED)
    pays(session, shop, line)
    gets_back(session, shop, line, state)
    assert [row["money"] for row in files.table(session, KIND)] == [money]


@pytest.mark.parametrize(
    ("state", "due_in", "money"),
    [
        (ObligationState.DUE, timedelta(days=1), "balance_due"),
        (ObligationState.DUE, timedelta(0), "balance_due"),
        (ObligationState.DUE, timedelta(seconds=-1), "overdue"),
        (ObligationState.PAID, timedelta(days=1), "paid"),
        (ObligationState.VOID, timedelta(days=1), "held"),
    ],
)
def test_a_balance_is_due_then_overdue_until_it_is_paid(
    session: Session, shop: Shop, state: ObligationState, due_in: timedelta, money: str
) -> None:
    line = ordered(session, shop, outcome=Outcome.ALLOCATED)
    pays(session, shop, line)
    owes(session, line, state, due_in)
    assert [row["money"] for row in files.table(session, KIND)] == [money]


def test_totals_equal_the_sum_of_the_lines(session: Session, shop: Shop) -> None:
    for units, outcome in ((1, Outcome.OPEN), (2, Outcome.ALLOCATED), (3, Outcome.MISSED)):
        ordered(session, shop, units, outcome=outcome)
    _, info = files.made(session, KIND)
    rows = files.table(session, KIND)
    assert info.totals == {"units": 6, "deposit": 6 * 5980, "balance": 3 * 23920}
    assert info.amounts == ("deposit", "balance")
    for name in info.amounts:
        assert sum(Decimal(row[name]) for row in rows) * 100 == info.totals[name]


def test_the_workbook_has_numbers_and_dates(session: Session, shop: Shop) -> None:
    ordered(session, shop, 2)
    page = files.workbook(session, KIND)["预订与定金"]
    shown = dict(zip([cell.value for cell in page[1]], page[2], strict=True))
    assert (shown["件数"].value, shown["定金"].value, shown["尾款"].value) == (2, 119.6, 478.4)
    assert [shown[name].data_type for name in ("件数", "定金", "下单时间", "订单", "款项状态")] == ["n", "n", "d", "s", "s"]


def test_machines_get_minor_units_and_the_decision_that_they_come_from(session: Session, shop: Shop) -> None:
    ordered(session, shop, 2, final_unit_price=25900, outcome=Outcome.ALLOCATED)
    make.decision(session, shop.campaign, reached={shop.knit: 60})
    document = files.document(session, KIND)
    (row,) = document["rows"]
    assert [row[name] for name in ("units", "unit_price", "final_unit_price", "deposit", "balance")] == [2, 29900, 25900, 11960, 39840]
    assert [row[name] for name in ("placed_at", "sku", "outcome", "store")] == ["2027-03-17T10:00:00+08:00", "ss27-K001-S", "allocated", ""]
    assert document["run"] == "6" * 64
