"""A bank takes back what was paid for goods that are with their customer: what comes back is the rest, and all of it if we win."""

from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.campaigns.rules import LegalProfile
from c2b.deposits import leaving
from c2b.deposits.apply import apply
from c2b.deposits.models import DisputeLine, Order, OrderLine
from c2b.deposits.rules import Money
from c2b.errors import Refused
from c2b.payments.models import Payment
from c2b.payments.protocol import Answer, Disputed, Heard
from c2b.production import undeliverable
from c2b.work import audit
from tests import make
from tests.production.test_defaults import DUE, decided, money, pays
from tests.production.test_withdrawing import AT, STAFF, balances, delivered, hands_over, leaves, refunds

DEPOSIT, BALANCE, SHIPPING = 24000, 96000, 1500
ALL = BALANCE + SHIPPING
TAKEN = Disputed("dp_1", ALL)


def bank(session: Session, order: Order, *says: Disputed, of: int = 1) -> None:
    """Let the bank say something of the first payment (0, the deposit) or the second (1, balance and shipping); we hear it twice."""
    payment = session.scalars(select(Payment).where(Payment.payer == order.ref).order_by(Payment.id)).all()[of]
    done = Answer(Heard.DONE, amount=payment.amount, currency="CNY", merchant="main", reference=f"R-{payment.key}", disputes=says)
    for _ in range(2):
        apply(session, key=payment.key, answer=done, now=AT)


def comes_back(session: Session, order: Order, line: OrderLine) -> int:
    return leaving.came_back(session, order_ref=order.ref, line_id=line.id, actor=STAFF, now=AT)


@pytest.mark.parametrize(
    ("taken", "back"),
    [
        (ALL, [DEPOSIT]),
        (BALANCE, [SHIPPING, DEPOSIT]),
        (50000, [SHIPPING, DEPOSIT, BALANCE - 50000]),
        (BALANCE + 1000, [SHIPPING - 1000, DEPOSIT]),
    ],
)
def test_goods_sent_back_after_a_dispute_that_we_lost_bring_back_what_the_bank_left(session: Session, taken: int, back: list[int]) -> None:
    order, line = delivered(session, legal_profile=LegalProfile.EU)
    lost = Disputed("dp_1", taken, is_lost=True)
    bank(session, order, lost)
    assert money(session, order) is Money.DISPUTED
    assert leaves(session, order, AT) == sum(back)
    assert comes_back(session, order, line) == sum(back)
    assert [amount for amount, _ in refunds(session)] == back
    assert balances(session, "revenue", "shipping", f"owed:{order.ref}") == (0, 0, 0)
    assert audit(session) == []


def test_a_dispute_that_we_win_takes_nothing_from_what_goes_back(session: Session) -> None:
    order, line = delivered(session, legal_profile=LegalProfile.EU)
    bank(session, order, TAKEN)
    assert leaves(session, order, AT) == DEPOSIT
    with pytest.raises(Refused, match="dispute"):
        comes_back(session, order, line)
    bank(session, order, replace(TAKEN, is_open=False))
    assert money(session, order) is Money.PAID
    assert balances(session, "revenue", "shipping") == (DEPOSIT + BALANCE, SHIPPING)
    assert comes_back(session, order, line) == DEPOSIT + ALL
    assert balances(session, "revenue", "shipping") == (0, 0)
    assert audit(session) == []


def test_what_is_on_its_way_back_already_is_taken_from_there(session: Session) -> None:
    order, line = delivered(session, legal_profile=LegalProfile.EU)
    leaves(session, order, AT)
    comes_back(session, order, line)
    bank(session, order, Disputed("dp_1", DEPOSIT, is_lost=True), of=0)
    assert session.scalars(select(DisputeLine)).all() == []
    assert audit(session) == []


def test_goods_that_the_bank_gave_back_whole_can_still_be_sent_back(session: Session) -> None:
    order, line = delivered(session, legal_profile=LegalProfile.EU)
    bank(session, order, replace(TAKEN, is_lost=True))
    bank(session, order, Disputed("dp_2", DEPOSIT, is_lost=True), of=0)
    assert leaves(session, order, AT) == 0
    assert comes_back(session, order, line) == 0
    assert make.lines_of(session, order)[0].fulfilment == "returned"
    assert audit(session) == []


def test_goods_are_not_handed_over_while_a_bank_decides_about_their_money(session: Session) -> None:
    _, (order,) = decided(session)
    taken = Disputed("dp_1", DEPOSIT)
    bank(session, order, taken, of=0)
    pays(session, order, DUE)
    with pytest.raises(Refused, match="look at the dispute first"):
        hands_over(session, order)
    bank(session, order, replace(taken, is_lost=True), of=0)
    assert hands_over(session, order) == 1
    (line,) = make.lines_of(session, order)
    assert balances(session, f"dep:{line.id}", "revenue") == (0, BALANCE)
    bank(session, order, replace(taken, is_open=False), of=0)
    assert balances(session, f"dep:{line.id}", "revenue") == (0, DEPOSIT + BALANCE)
    assert money(session, order) is Money.PAID
    assert audit(session) == []


def test_what_a_bank_gives_back_after_the_goods_came_back_goes_to_the_customer(session: Session) -> None:
    order, line = delivered(session, legal_profile=LegalProfile.EU)
    taken = Disputed("dp_1", BALANCE + 1000)
    bank(session, order, replace(taken, is_lost=True))
    leaves(session, order, AT)
    comes_back(session, order, line)
    bank(session, order, replace(taken, is_open=False))
    assert [amount for amount, _ in refunds(session)] == [SHIPPING - 1000, 1000, DEPOSIT, BALANCE]
    assert balances(session, "revenue", "shipping", f"owed:{order.ref}") == (0, 0, 0)
    assert audit(session) == []


def test_of_shipping_that_a_bank_took_in_part_the_rest_goes_back_and_the_part_once_we_win(session: Session) -> None:
    _, (order,) = decided(session, legal_profile=LegalProfile.CN_DINGJIN)
    pays(session, order, DUE)
    taken = Disputed("dp_1", BALANCE + 1000)
    bank(session, order, taken)
    undeliverable.cannot_deliver(session, slug="ss27", code="K1", reason="Fire", actor=STAFF, now=AT)
    assert [amount for amount, _ in refunds(session)] == [SHIPPING - 1000, DEPOSIT]
    bank(session, order, replace(taken, is_open=False))
    assert [amount for amount, _ in refunds(session)] == [SHIPPING - 1000, 1000, DEPOSIT, BALANCE]
    assert balances(session, f"ship:{order.ref}", f"owed:{order.ref}") == (0, DEPOSIT), "the penalty waits for finance"
    assert audit(session) == []
