"""What a gateway tells us by itself: disputes, refunds that come back, late captures, references that nobody knows yet."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from c2b.deposits import resolving
from c2b.deposits.models import Obligation, PaymentPart
from c2b.deposits.rules import Money, ObligationKind, ObligationState, Outcome, RefundReason
from c2b.deposits.standing import money_states
from c2b.payments.models import Dispute, InboxEvent
from c2b.payments.protocol import About, Answer, Disputed, Heard
from c2b.payments.rules import PaymentState, RefundState
from tests import books, make
from tests.deposits.scene import Shop

PSP = "psp:sandbox:main"
DEPOSIT = 5980


def bought(shop: Shop) -> tuple[str, str, int]:
    """Let a customer pay a deposit of 59.80; returns order, payment and line."""
    ref = shop.buys(shop.customer(), (shop.sells("K1")[0], 1))
    return ref, shop.payments()[-1].key, shop.lines(ref)[0].id


def money(shop: Shop, line: int) -> Money:
    with shop.database.reading() as session:
        return money_states(session, lines=books.ids(line), now=shop.now)[line]


def captured(key: str, *disputes: Disputed) -> Answer:
    return Answer(Heard.DONE, amount=DEPOSIT, currency="CNY", merchant="main", reference=f"SBX-{key}", disputes=disputes)


def events(shop: Shop) -> list[InboxEvent]:
    with shop.database.reading() as session:
        return list(session.scalars(select(InboxEvent).order_by(InboxEvent.id)))


def test_an_event_makes_us_ask_at_once_and_the_answer_is_applied(shop: Shop) -> None:
    anna = shop.customer()
    ref = shop.order(anna, (shop.sells("K1")[0], 1))
    key = shop.pay(ref, anna)
    shop.sandbox.approve(key)
    assert shop.hear(key=key) == 1
    assert shop.payment(key).state is PaymentState.CAPTURED
    assert [event.applied_at for event in events(shop)] == [shop.now]


def test_the_same_event_twice_is_one(shop: Shop) -> None:
    _, key, _ = bought(shop)
    shop.hear(key=key, event="evt-1")
    assert shop.hear(key=key, event="evt-1") == 0
    assert len(events(shop)) == 1


def test_an_event_about_nothing_we_know_waits_until_it_appears(shop: Shop) -> None:
    shop.hear(key="early", event="evt-1")
    assert shop.hear(key="early", event="evt-1") == 0  # not in the same second again
    shop.forward(minutes=5)
    anna = shop.customer()
    ref = shop.order(anna, (shop.sells("K1")[0], 1))
    key = shop.pay(ref, anna)
    shop.sandbox.approve(key)
    with shop.database.transaction() as session:
        (event,) = session.scalars(select(InboxEvent)).all()
        event.key = key
    shop.hear(key=key, event="evt-2")
    assert shop.payment(key).state is PaymentState.CAPTURED
    assert {event.applied_at for event in events(shop)} == {shop.now}


def test_an_event_while_the_line_is_down_is_looked_at_again(shop: Shop) -> None:
    anna = shop.customer()
    ref = shop.order(anna, (shop.sells("K1")[0], 1))
    key = shop.pay(ref, anna)
    shop.sandbox.approve(key)
    shop.gateway.troubles = ["down"]
    shop.hear(key=key)
    assert [event.applied_at for event in events(shop)] == [None]
    shop.forward(minutes=1)
    shop.hear(key=key)
    assert shop.payment(key).state is PaymentState.CAPTURED


def test_a_dispute_that_is_told_of_while_the_line_is_down_is_heard_later(shop: Shop) -> None:
    _, key, line = bought(shop)
    shop.gateway.says[key] = captured(key, Disputed("dp_1", DEPOSIT))
    shop.gateway.troubles = ["down"]
    shop.hear(key=key)
    assert (money(shop, line), [event.applied_at for event in events(shop)]) == (Money.HELD, [None])
    shop.forward(minutes=1)
    shop.hear(key=key)
    assert money(shop, line) is Money.DISPUTED


def test_a_bounce_that_is_told_of_while_the_line_is_down_is_heard_later(shop: Shop) -> None:
    ref, _, _ = bought(shop)
    shop.cancel(ref, shop.person_of(ref))
    shop.send_refunds()
    (refund,) = shop.refunds()
    shop.gateway.says[refund.key] = Answer(Heard.FAILED, why="account closed")
    shop.gateway.troubles = ["lost"]
    shop.hear(key=refund.key, about=About.REFUND)
    assert (shop.refunds()[0].state, [event.applied_at for event in events(shop)]) == (RefundState.SETTLED, [None])
    shop.forward(minutes=1)
    shop.hear(key=refund.key, about=About.REFUND)
    assert shop.balances(f"owed:{ref}") == {f"owed:{ref}": DEPOSIT}


def test_an_event_of_another_gateway_about_our_key_changes_nothing(shop: Shop) -> None:
    _, key, line = bought(shop)
    with shop.database.transaction() as session:
        (payment,) = [each for each in shop.payments() if each.key == key]
        session.merge(payment).gateway = "other"
    shop.gateway.says[key] = captured(key, Disputed("dp_1", DEPOSIT))
    shop.hear(key=key)
    assert money(shop, line) is Money.HELD


def test_money_that_a_bank_takes_back_ends_an_undecided_line(shop: Shop) -> None:
    ref, key, line = bought(shop)
    shop.gateway.says[key] = captured(key, Disputed("dp_1", DEPOSIT))
    for number in range(2):
        shop.hear(key=key, event=f"evt-{number}")
    assert shop.lines(ref)[0].outcome is Outcome.CANCELLED
    assert money(shop, line) is Money.DISPUTED
    assert shop.balances(PSP, f"dep:{line}") == {PSP: 0, f"dep:{line}": 0}
    assert shop.refunds() == []
    assert shop.findings() == []


def test_a_dispute_over_a_part_sends_the_rest_back(shop: Shop) -> None:
    _, key, line = bought(shop)
    shop.gateway.says[key] = captured(key, Disputed("dp_1", 1000))
    shop.hear(key=key)
    assert shop.reasons() == [RefundReason.DISPUTED]
    assert [refund.amount for refund in shop.refunds()] == [DEPOSIT - 1000]
    assert shop.balances(f"dep:{line}") == {f"dep:{line}": 0}
    assert shop.findings() == []


def test_a_dispute_that_we_win_before_anything_ended_gives_the_money_back_to_its_line(shop: Shop) -> None:
    ref, key, line = bought(shop)
    with shop.database.transaction() as session:
        shop.decided(session)
    shop.gateway.says[key] = captured(key, Disputed("dp_1", DEPOSIT))
    shop.hear(key=key)
    assert money(shop, line) is Money.DISPUTED
    assert shop.lines(ref)[0].ended_at is None
    shop.forward(days=30)
    shop.gateway.says[key] = captured(key, Disputed("dp_1", DEPOSIT, is_open=False))
    won = shop.now
    for number in range(2):
        shop.hear(key=key, event=f"evt-{number}")
        shop.forward(days=1)
    assert money(shop, line) is Money.HELD
    assert shop.balances(PSP, f"dep:{line}") == {PSP: -DEPOSIT, f"dep:{line}": DEPOSIT}
    assert shop.findings() == []
    with shop.database.reading() as session:
        assert [each.won_at for each in session.scalars(select(Dispute))] == [won]


def test_money_of_a_dispute_that_we_win_over_an_ended_line_goes_back_to_the_customer(shop: Shop) -> None:
    ref, key, line = bought(shop)
    for is_open in (True, False):
        shop.forward(days=1)
        shop.gateway.says[key] = captured(key, Disputed("dp_1", DEPOSIT, is_open=is_open))
        for number in range(2):
            shop.hear(key=key, event=f"evt-{is_open}-{number}")
    assert money(shop, line) is Money.REFUND_DUE
    shop.send_refunds()
    assert [(refund.amount, refund.state) for refund in shop.refunds()] == [(DEPOSIT, RefundState.SETTLED)]
    assert shop.reasons() == [RefundReason.DISPUTED]
    assert money(shop, line) is Money.REFUNDED
    assert shop.balances(PSP, f"owed:{ref}") == {PSP: 0, f"owed:{ref}": 0}
    assert shop.findings() == []


def test_what_is_taken_back_of_money_that_went_back_already_is_our_loss(shop: Shop) -> None:
    ref, key, _ = bought(shop)
    shop.cancel(ref, shop.person_of(ref))
    shop.send_refunds()
    shop.gateway.says[key] = captured(key, Disputed("dp_1", DEPOSIT))
    shop.hear(key=key)
    assert shop.balances("revenue") == {"revenue": -DEPOSIT}
    assert shop.findings() == []


def test_a_dispute_takes_from_each_line_what_its_payment_brought_and_no_more(shop: Shop) -> None:
    anna = shop.customer()
    (one, *_), (two, *_) = shop.sells("K1"), shop.sells("K2")
    ref = shop.buys(anna, (one, 1), (two, 1))
    (key,) = [payment.key for payment in shop.payments()]
    with shop.database.transaction() as session:
        shop.decided(session)
        first = shop.lines(ref)[0].id
        other = make.payment(session, make.order_of(session, shop.lines(ref)[0]), 20000)
        owed = Obligation(order_id=shop.lines(ref)[0].order_id, line_id=first, kind=ObligationKind.BALANCE, amount=20000, due_at=shop.now)
        owed.state = ObligationState.PAID
        session.add(owed)
        session.flush()
        session.add(PaymentPart(payment_id=other.id, obligation_id=owed.id, amount=20000, applied=True))
        campaign = make.campaign_of(session, "ss27")
        make.transfer(session, campaign, f"cap:{other.key}:{first}", 20000, debit=PSP, credit=f"dep:{first}")
    answer = replace(captured(key, Disputed("dp_1", 2 * DEPOSIT)), amount=2 * DEPOSIT)
    shop.gateway.says[key] = answer
    shop.hear(key=key)
    accounts = [f"dep:{line.id}" for line in shop.lines(ref)]
    assert shop.balances(*accounts) == {accounts[0]: 20000, accounts[1]: 0}
    assert shop.findings() == []


def test_a_dispute_won_before_we_ever_heard_of_it_moved_nothing(shop: Shop) -> None:
    _, key, line = bought(shop)
    shop.gateway.says[key] = captured(key, Disputed("dp_1", DEPOSIT, is_open=False))
    shop.hear(key=key)
    assert money(shop, line) is Money.HELD


def returned(shop: Shop) -> tuple[str, str]:
    """Cancel a paid order and send its money back; returns order and refund."""
    ref, _, _ = bought(shop)
    shop.cancel(ref, shop.person_of(ref))
    shop.send_refunds()
    return ref, shop.refunds()[-1].key


def test_a_refund_that_comes_back_is_owed_again(shop: Shop) -> None:
    ref, refund = returned(shop)
    assert money(shop, shop.lines(ref)[0].id) is Money.REFUNDED
    shop.gateway.says[refund] = Answer(Heard.FAILED, why="account closed")
    for number in range(2):
        shop.hear(key=refund, about=About.REFUND, event=f"evt-{number}")
    (row,) = shop.refunds()
    assert (row.state, row.bounced_at, row.last_error) == (RefundState.FAILED, shop.now, "account closed")
    assert shop.balances(f"owed:{ref}", PSP) == {f"owed:{ref}": DEPOSIT, PSP: -DEPOSIT}
    assert money(shop, shop.lines(ref)[0].id) is Money.REFUND_DUE
    assert shop.findings() == []


def test_a_refund_that_came_back_is_sent_again_once(shop: Shop) -> None:
    ref, refund = returned(shop)
    shop.gateway.says[refund] = Answer(Heard.FAILED, why="account closed")
    shop.hear(key=refund, about=About.REFUND)
    again = shop.resolves(resolving.send_refund_again, key=refund)
    with pytest.raises(Exception, match="doesn’t wait for a decision any more"):
        shop.resolves(resolving.send_refund_again, key=refund)
    assert (again, money(shop, shop.lines(ref)[0].id)) == (f"{refund[:-1]}2", Money.REFUND_DUE)
    shop.gateway.says[again] = Answer(Heard.DONE, amount=DEPOSIT, currency="CNY", merchant="main", reference="R2")
    shop.hear(key=again, about=About.REFUND)
    assert money(shop, shop.lines(ref)[0].id) is Money.REFUNDED
    assert shop.balances(f"owed:{ref}", PSP) == {f"owed:{ref}": 0, PSP: 0}
    assert shop.findings() == []


def test_a_refund_that_came_back_is_paid_by_hand_once_and_only_with_a_reference(shop: Shop) -> None:
    ref, refund = returned(shop)
    shop.gateway.says[refund] = Answer(Heard.FAILED, why="account closed")
    shop.hear(key=refund, about=About.REFUND)
    with pytest.raises(Exception, match="Give the reference"):
        shop.resolves(resolving.paid_by_hand, key=refund, reference=" ")
    shop.resolves(resolving.paid_by_hand, key=refund, reference="BANK-77")
    with pytest.raises(Exception, match="doesn’t wait"):
        shop.resolves(resolving.paid_by_hand, key=refund, reference="BANK-78")
    assert shop.balances(f"owed:{ref}", "bank") == {f"owed:{ref}": 0, "bank": DEPOSIT}
    assert money(shop, shop.lines(ref)[0].id) is Money.REFUNDED
    assert shop.findings() == []


def test_money_of_a_payment_that_had_failed_is_late_and_goes_back_a_day_later_too(shop: Shop) -> None:
    anna = shop.customer()
    ref = shop.order(anna, (shop.sells("K1")[0], 1))
    key = shop.pay(ref, anna)
    shop.forward(minutes=31)
    shop.sweep()
    assert shop.payment(key).state is PaymentState.FAILED
    shop.forward(hours=25)
    shop.gateway.says[key] = captured(key)
    shop.hear(key=key)
    assert shop.reasons() == [RefundReason.PAID_LATE]
    assert shop.balances(PSP, f"owed:{ref}") == {PSP: -DEPOSIT, f"owed:{ref}": 0}
    assert shop.findings() == []


def mismatched(shop: Shop, **changes: object) -> tuple[str, str]:
    """Let a gateway take something else than was asked for; returns order and payment."""
    anna = shop.customer()
    ref = shop.order(anna, (shop.sells("K1")[0], 1))
    key = shop.pay(ref, anna)
    shop.gateway.says[key] = replace(captured(key), **changes)  # type: ignore[arg-type]  # one field at a time
    assert shop.check(key) is PaymentState.MISMATCH
    return ref, key


def test_too_much_is_taken_and_the_rest_goes_back(shop: Shop) -> None:
    ref, key = mismatched(shop, amount=DEPOSIT + 20)
    shop.resolves(resolving.accept_mismatch, key=key)
    assert shop.lines(ref)[0].reserved_at == shop.now
    assert [(refund.amount, refund.state) for refund in shop.refunds()] == [(20, RefundState.QUEUED)]
    assert shop.reasons() == [RefundReason.OVERPAID]
    assert shop.balances("suspense:sandbox") == {"suspense:sandbox": 0}
    assert shop.findings() == []


@pytest.mark.parametrize("changes", [{"amount": DEPOSIT - 1}, {"currency": "EUR"}])
def test_too_little_or_another_currency_cannot_be_taken(shop: Shop, changes: dict[str, object]) -> None:
    _, key = mismatched(shop, **changes)
    with pytest.raises(Exception, match="it can only be sent back"):
        shop.resolves(resolving.accept_mismatch, key=key)
    assert [finding.check for finding in shop.findings()] == ["deposits.mismatch"]


def test_what_does_not_match_goes_back_once(shop: Shop) -> None:
    ref, key = mismatched(shop, amount=DEPOSIT - 1)
    shop.resolves(resolving.return_mismatch, key=key)
    with pytest.raises(Exception, match="doesn’t wait for a decision any more"):
        shop.resolves(resolving.return_mismatch, key=key)
    assert [refund.amount for refund in shop.refunds()] == [DEPOSIT - 1]
    assert shop.reasons() == [RefundReason.MISMATCH]
    assert shop.lines(ref)[0].reserved_at is None
    assert shop.findings() == []


def test_another_currency_is_sent_back_at_the_gateways_own_desk(shop: Shop) -> None:
    _, key = mismatched(shop, currency="EUR")
    with pytest.raises(Exception, match="gateway’s own desk"):
        shop.resolves(resolving.return_mismatch, key=key)
    shop.resolves(resolving.mismatch_paid_by_hand, key=key, reference="DESK-1")
    assert shop.balances("suspense:sandbox", PSP) == {"suspense:sandbox": 0, PSP: 0}
    assert shop.findings() == []


def test_a_decision_of_finance_needs_a_reason_and_stands_in_the_log(shop: Shop) -> None:
    _, key = mismatched(shop, amount=DEPOSIT + 1)
    with pytest.raises(Exception, match="Say why"):
        shop.resolves(resolving.accept_mismatch, key=key, reason=" ")
    assert shop.payment(key).state is PaymentState.MISMATCH
    shop.resolves(resolving.accept_mismatch, key=key, reason="The bank rounded")
    assert shop.log()[-1] == ("deposits.accept_mismatch", key, "The bank rounded")


def test_a_day_of_silence_does_not_lose_an_event(shop: Shop) -> None:
    shop.hear(key="unknown", event="evt-1")
    for _ in range(30):
        shop.forward(hours=1)
        shop.hear(key="unknown", event="evt-1")
    assert [event.applied_at for event in events(shop)] == [None]
    assert shop.now - events(shop)[0].next_attempt_at <= timedelta(hours=1)
