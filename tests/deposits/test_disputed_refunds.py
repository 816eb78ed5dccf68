"""A bank takes a payment back whose refund is on its way: whatever becomes of the dispute, the money goes back once."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from c2b.deposits import resolving
from c2b.deposits.models import Obligation, Order, OrderLine, PaymentPart
from c2b.deposits.rules import Fulfilment, Money, ObligationKind, ObligationState
from c2b.deposits.timeline import Event
from c2b.errors import Refused
from c2b.ledger import actions as ledger
from c2b.ledger.rules import Posting
from c2b.payments.models import Dispute, Refund
from c2b.payments.protocol import About, Answer, Disputed, Heard
from c2b.payments.rules import RefundState
from tests.deposits.scene import Shop
from tests.deposits.test_events import DEPOSIT, PSP, bought, captured, money
from tests.deposits.test_queries import order as seen

OPEN = Disputed("dp_1", DEPOSIT)
WON, LOST = replace(OPEN, is_open=False), replace(OPEN, is_lost=True)
PART = replace(OPEN, amount=1000)


def cancelled(shop: Shop) -> tuple[str, str, int]:
    """Let a customer pay and cancel: the refund is queued; returns order, payment and line."""
    ref, key, line = bought(shop)
    shop.cancel(ref, shop.person_of(ref))
    return ref, key, line


def bank(shop: Shop, key: str, *says: Disputed) -> None:
    """Let the customer's bank do something, and the gateway tell us twice."""
    shop.forward(hours=1)
    shop.gateway.says[key] = captured(key, *says)
    for number in range(2):
        shop.hear(key=key, event=f"evt-{shop.now.isoformat()}-{number}")


def sends(shop: Shop) -> list[RefundState]:
    """Let the worker send what is due, twice."""
    for _ in range(2):
        shop.forward(hours=2)
        shop.send_refunds()
    return [refund.state for refund in shop.refunds()]


def sent(shop: Shop) -> int:
    return shop.gateway.calls.count("refund")


def events(shop: Shop, ref: str) -> list[Event]:
    return [entry.event for entry in seen(shop, ref, shop.person_of(ref)).timeline]


def test_a_refund_that_was_not_sent_waits_for_the_dispute_and_books_no_loss(shop: Shop) -> None:
    ref, key, line = cancelled(shop)
    bank(shop, key, OPEN)
    assert sends(shop) == [RefundState.QUEUED]
    assert sent(shop) == 0
    (refund,) = shop.refunds()
    assert refund.withheld_at is not None
    hold = f"hold:{refund.key}"
    assert shop.balances(PSP, "revenue", hold) == {PSP: 0, "revenue": 0, hold: 0}
    assert money(shop, line) is Money.REFUND_DUE
    assert events(shop, ref)[-1] is Event.REFUND_WITHHELD
    assert shop.findings() == []


def test_won_the_refund_goes_out_once(shop: Shop) -> None:
    ref, key, line = cancelled(shop)
    bank(shop, key, OPEN)
    bank(shop, key, WON)
    assert sends(shop) == [RefundState.SETTLED]
    assert sent(shop) == 1
    assert shop.balances(PSP, "revenue", f"owed:{ref}") == {PSP: 0, "revenue": 0, f"owed:{ref}": 0}
    assert money(shop, line) is Money.REFUNDED
    assert events(shop, ref)[-1] is Event.REFUNDED
    assert shop.findings() == []


def test_lost_the_refund_is_closed_by_what_the_bank_gave_and_nothing_goes_out(shop: Shop) -> None:
    ref, key, line = cancelled(shop)
    bank(shop, key, OPEN)
    bank(shop, key, LOST)
    assert sends(shop) == [RefundState.FAILED]
    (refund,) = shop.refunds()
    assert (sent(shop), refund.resolved_at is not None, refund.withheld_at is not None) == (0, True, True)
    with pytest.raises(Refused, match="doesn’t wait"):
        shop.resolves(resolving.send_refund_again, key=refund.key)
    assert shop.balances(PSP, "revenue", f"owed:{ref}") == {PSP: 0, "revenue": 0, f"owed:{ref}": 0}
    assert money(shop, line) is Money.REFUNDED
    assert events(shop, ref)[-1] is Event.REFUND_BY_BANK
    assert shop.findings() == []


def test_won_after_it_was_lost_the_money_goes_out_after_all(shop: Shop) -> None:
    ref, key, _ = cancelled(shop)
    bank(shop, key, LOST)
    assert sends(shop) == [RefundState.FAILED]
    bank(shop, key, WON)
    assert sends(shop) == [RefundState.FAILED, RefundState.SETTLED]
    assert shop.balances(PSP, "revenue", f"owed:{ref}") == {PSP: 0, "revenue": 0, f"owed:{ref}": 0}
    assert shop.findings() == []


def test_heard_of_when_it_is_lost_already_it_is_closed_at_once(shop: Shop) -> None:
    ref, key, _ = cancelled(shop)
    bank(shop, key, LOST)
    assert sends(shop) == [RefundState.FAILED]
    assert shop.balances(PSP, f"owed:{ref}") == {PSP: 0, f"owed:{ref}": 0}
    assert shop.findings() == []


def test_what_the_bank_left_goes_out_once_the_dispute_over_a_part_is_lost(shop: Shop) -> None:
    ref, key, line = cancelled(shop)
    bank(shop, key, PART)
    assert sends(shop) == [RefundState.QUEUED]
    bank(shop, key, replace(PART, is_lost=True))
    assert sends(shop) == [RefundState.FAILED, RefundState.SETTLED]
    assert [refund.amount for refund in shop.refunds()] == [DEPOSIT, DEPOSIT - 1000]
    assert shop.balances(PSP, "revenue", f"owed:{ref}") == {PSP: 0, "revenue": 0, f"owed:{ref}": 0}
    assert money(shop, line) is Money.REFUNDED
    assert shop.findings() == []


def test_a_refund_waits_for_every_dispute_about_its_payment(shop: Shop) -> None:
    _, key, _ = cancelled(shop)
    other = Disputed("dp_2", 500)
    bank(shop, key, PART, other)
    bank(shop, key, replace(PART, is_open=False), other)
    assert sends(shop) == [RefundState.QUEUED]
    bank(shop, key, replace(PART, is_open=False), replace(other, is_lost=True))
    assert sends(shop) == [RefundState.FAILED, RefundState.SETTLED]
    assert [refund.amount for refund in shop.refunds()] == [DEPOSIT, DEPOSIT - 500]
    assert shop.balances(PSP, "revenue") == {PSP: 0, "revenue": 0}
    assert shop.findings() == []


def test_a_refund_that_was_sent_is_asked_for_and_its_second_payment_is_our_loss(shop: Shop) -> None:
    _, key, line = cancelled(shop)
    shop.gateway.troubles = ["lost"]
    shop.send_refunds()
    bank(shop, key, OPEN)
    assert shop.balances("revenue") == {"revenue": -DEPOSIT}
    assert sends(shop) == [RefundState.SETTLED]
    assert sent(shop) == 1
    assert money(shop, line) is Money.REFUNDED
    assert shop.balances(PSP) == {PSP: DEPOSIT}, "the bank and we both gave it back"
    bank(shop, key, WON)
    assert shop.balances(PSP, "revenue") == {PSP: 0, "revenue": 0}
    assert shop.findings() == []


@pytest.mark.parametrize(("ends", "calls", "states"), [(WON, 2, [RefundState.SETTLED]), (LOST, 1, [RefundState.FAILED])])
def test_a_refund_that_never_arrived_there_is_withheld_too_and_was_no_loss(
    shop: Shop, ends: Disputed, calls: int, states: list[RefundState]
) -> None:
    ref, key, _ = cancelled(shop)
    shop.gateway.troubles = ["down"]
    shop.send_refunds()
    bank(shop, key, OPEN)
    assert sends(shop) == [RefundState.QUEUED]
    assert shop.balances(PSP, "revenue") == {PSP: 0, "revenue": 0}
    assert shop.findings() == []
    bank(shop, key, ends)
    assert sends(shop) == states
    assert sent(shop) == calls
    assert shop.balances(PSP, "revenue", f"owed:{ref}") == {PSP: 0, "revenue": 0, f"owed:{ref}": 0}
    assert shop.findings() == []


def test_lost_before_we_know_that_the_refund_never_arrived_it_is_closed_all_the_same(shop: Shop) -> None:
    ref, key, _ = cancelled(shop)
    shop.gateway.troubles = ["down"]
    shop.send_refunds()
    bank(shop, key, LOST)
    assert sends(shop) == [RefundState.FAILED]
    assert sent(shop) == 1
    assert shop.balances(PSP, "revenue", f"owed:{ref}") == {PSP: 0, "revenue": 0, f"owed:{ref}": 0}
    assert shop.findings() == []


def refused(shop: Shop, refund: Refund) -> None:
    """Let the gateway say that it won't send a refund, or that it came back."""
    shop.gateway.says[refund.key] = Answer(Heard.FAILED, why="charge disputed")
    shop.hear(key=refund.key, about=About.REFUND)


@pytest.mark.parametrize("first", ["bounced", "disputed"])
@pytest.mark.parametrize(("ends", "owed"), [(WON, DEPOSIT), (LOST, 0)])
def test_a_refused_refund_is_nobodys_to_pay_out_until_the_dispute_is_decided(shop: Shop, first: str, ends: Disputed, owed: int) -> None:
    ref, key, _ = cancelled(shop)
    shop.send_refunds()
    (refund,) = shop.refunds()
    if first == "bounced":
        refused(shop, refund)
    bank(shop, key, OPEN)
    if first == "disputed":
        refused(shop, refund)
    assert shop.balances(PSP, "revenue", f"owed:{ref}") == {PSP: 0, "revenue": 0, f"owed:{ref}": 0}
    for action, more in ((resolving.send_refund_again, {}), (resolving.paid_by_hand, {"reference": "BANK-1"})):
        with pytest.raises(Refused, match="wait until the dispute is decided"):
            shop.resolves(action, key=refund.key, **more)
    bank(shop, key, ends)
    assert shop.balances("revenue", f"owed:{ref}") == {"revenue": 0, f"owed:{ref}": owed}
    if owed:
        shop.resolves(resolving.paid_by_hand, key=refund.key, reference="BANK-1")
    else:
        with pytest.raises(Refused, match="doesn’t wait"):
            shop.resolves(resolving.paid_by_hand, key=refund.key, reference="BANK-1")
    assert shop.findings() == []


def test_a_second_line_keeps_its_money_while_the_bank_takes_what_goes_back_anyway(shop: Shop) -> None:
    (one, *_), (two, *_) = shop.sells("K1"), shop.sells("K2")
    anna = shop.customer()
    ref = shop.buys(anna, (one, 1), (two, 1))
    (key,) = [payment.key for payment in shop.payments()]
    first, second = shop.lines(ref)
    shop.cancel_line(ref, first.id, anna)
    shop.gateway.says[key] = replace(captured(key, OPEN), amount=2 * DEPOSIT)
    shop.forward(hours=1)
    shop.hear(key=key)
    assert (money(shop, first.id), money(shop, second.id)) == (Money.REFUND_DUE, Money.HELD)
    assert sends(shop) == [RefundState.QUEUED]
    assert shop.findings() == []


def shipped_for(shop: Shop) -> tuple[str, str, OrderLine]:
    """Let a decided order's deposit and shipping of 12.00 be one payment; returns order, payment and line."""
    ref, key, _ = bought(shop)
    with shop.database.transaction() as session:
        shop.decided(session)
        order = session.scalars(select(Order).where(Order.ref == ref)).one()
        payment = next(each for each in shop.payments() if each.key == key)
        owed = Obligation(order_id=order.id, kind=ObligationKind.SHIPPING, amount=1200, due_at=shop.now, state=ObligationState.PAID)
        session.add(owed)
        session.flush()
        session.add(PaymentPart(payment_id=payment.id, obligation_id=owed.id, amount=1200, applied=True))
        session.merge(payment).captured = DEPOSIT + 1200
        from_ = Posting(f"cap:{key}:shipping", PSP, f"ship:{ref}", 1200, "shipping_captured")
        ledger.post(session, [from_], campaign="ss27", currency="CNY", now=shop.now)
    return ref, key, shop.lines(ref)[0]


@pytest.mark.parametrize(
    ("became", "home", "held"),
    [("stands", "ship:{ref}", 1200), ("ended", "hold:{key}-1", 1200 + DEPOSIT), ("handed over", "shipping", 1200)],
)
def test_shipping_that_a_bank_gives_back_goes_where_its_order_stands(shop: Shop, became: str, home: str, held: int) -> None:
    ref, key, line = shipped_for(shop)
    taken = replace(OPEN, amount=DEPOSIT + 1200)
    shop.gateway.says[key] = replace(captured(key, taken), amount=DEPOSIT + 1200)
    shop.forward(hours=1)
    shop.hear(key=key)
    assert shop.balances(f"ship:{ref}") == {f"ship:{ref}": 0}
    with shop.database.transaction() as session:
        found = session.merge(line)
        if became == "ended":
            found.ended_at = shop.now
        if became == "handed over":
            found.handed_over_at, found.fulfilment = shop.now, Fulfilment.SHIPPED
    shop.gateway.says[key] = replace(captured(key, replace(taken, is_open=False)), amount=DEPOSIT + 1200)
    shop.forward(hours=1)
    shop.hear(key=key)
    account = home.format(ref=ref, key=key)
    assert shop.balances(account, "revenue") == {account: held, "revenue": DEPOSIT if became == "handed over" else 0}
    assert shop.balances(f"ship:{ref}") == {f"ship:{ref}": 1200 if became == "stands" else 0}


def test_a_dispute_that_is_told_of_again_later_stays_won_since_the_first_time(shop: Shop) -> None:
    _, key, _ = cancelled(shop)
    bank(shop, key, OPEN)
    bank(shop, key, WON)
    won = shop.now
    bank(shop, key, WON)
    with shop.database.reading() as session:
        assert session.scalars(select(Dispute.won_at)).all() == [won]
    assert shop.findings() == []
