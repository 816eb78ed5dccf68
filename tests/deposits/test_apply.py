from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.deposits.apply import apply
from c2b.deposits.apply_refund import apply_refund
from c2b.deposits.models import Order, RefundLine
from c2b.deposits.rules import Outcome, RefundReason
from c2b.deposits.telling import tell_held_up
from c2b.errors import NotFound, Refused
from c2b.jobs.models import Job
from c2b.messages.models import Message
from c2b.payments.protocol import Answer, Heard
from c2b.payments.rules import PaymentState, RefundState
from tests import make
from tests.deposits.scene import Shop

SUSPENSE = "suspense:sandbox"
PSP = "psp:sandbox:main"


def captured(key: str, amount: int = 5980) -> Answer:
    return Answer(Heard.DONE, amount=amount, currency="CNY", merchant="main", reference=f"SBX-{key}")


def hear(shop: Shop, key: str, answer: Answer) -> PaymentState:
    with shop.database.transaction() as session:
        return apply(session, key=key, answer=answer, now=shop.now)


def hear_of_refund(shop: Shop, key: str, answer: Answer) -> RefundState:
    with shop.database.transaction() as session:
        return apply_refund(session, key=key, answer=answer, now=shop.now)


def reasons(shop: Shop) -> list[tuple[RefundReason, int, int | None]]:
    with shop.database.reading() as session:
        return [(row.reason, row.amount, row.line_id) for row in session.scalars(select(RefundLine).order_by(RefundLine.id))]


def begun(shop: Shop, *, cap: int | None = None, units: int = 1) -> tuple[str, str]:
    """Order one product and begin to pay: the order's reference and the payment's key."""
    person = shop.customer()
    ref = shop.order(person, (shop.sells("K1", offer={"cap": cap})[0], units))
    return ref, shop.pay(ref, person)


def settle(shop: Shop, state: CampaignState) -> None:
    with shop.database.transaction() as session:
        session.get_one(Campaign, shop.campaign_id).state = state


def test_an_answer_that_comes_twice_is_applied_once(shop: Shop) -> None:
    ref, key = begun(shop)
    shop.sandbox.approve(key)
    assert [hear(shop, key, captured(key)) for _ in range(3)] == [PaymentState.CAPTURED] * 3
    (line,) = shop.lines(ref)
    assert shop.balances(f"dep:{line.id}", PSP) == {f"dep:{line.id}": 5980, PSP: -5980}
    payment = shop.payment(key)
    assert (payment.captured, payment.provider_reference, payment.settled_at) == (5980, f"SBX-{key}", shop.now)
    assert shop.refunds() == []


@pytest.mark.parametrize("later", [Heard.FAILED, Heard.PENDING, Heard.UNKNOWN, Heard.ABSENT])
def test_what_was_captured_stays_captured_whatever_is_heard_later(shop: Shop, later: Heard) -> None:
    ref, key = begun(shop)
    hear(shop, key, captured(key))
    assert hear(shop, key, Answer(later, why="expired")) is PaymentState.CAPTURED
    assert shop.lines(ref)[0].reserved_at is not None
    assert shop.findings() == []


@pytest.mark.parametrize("later", [Heard.PENDING, Heard.UNKNOWN, Heard.ABSENT, Heard.FAILED])
def test_what_failed_stays_failed_unless_money_arrives(shop: Shop, later: Heard) -> None:
    _, key = begun(shop)
    hear(shop, key, Answer(Heard.FAILED, why="declined"))
    assert hear(shop, key, Answer(later, page="/elsewhere")) is PaymentState.FAILED
    assert (shop.payment(key).note, shop.payment(key).page) == ("declined", f"/sandbox/pay/{key}")


def test_money_that_arrives_after_we_heard_of_a_failure_is_booked_and_goes_back(shop: Shop) -> None:
    ref, key = begun(shop)
    hear(shop, key, Answer(Heard.FAILED, why="declined"))
    assert hear(shop, key, captured(key)) is PaymentState.CAPTURED
    assert reasons(shop) == [(RefundReason.PAID_LATE, 5980, None)]
    assert [(line.outcome, line.reserved_at) for line in shop.lines(ref)] == [(Outcome.OPEN, None)]
    (refund,) = shop.refunds()
    assert shop.balances(PSP, f"owed:{ref}", f"hold:{refund.key}") == {PSP: -5980, f"owed:{ref}": 0, f"hold:{refund.key}": 5980}
    assert shop.findings() == []


def test_late_money_of_a_payment_that_failed_leaves_the_place_to_the_payment_that_runs(shop: Shop) -> None:
    anna, bob = shop.customer(), shop.customer()
    shirt = shop.sells("K1", offer={"cap": 1})
    ref = shop.order(anna, (shirt[0], 1))
    first = shop.pay(ref, anna)
    hear(shop, first, Answer(Heard.FAILED, why="declined"))
    second = shop.pay(ref, anna)
    hear(shop, first, captured(first))
    with pytest.raises(Refused, match="Only 0 of K1 are left"):
        shop.order(bob, (shirt[0], 1))
    hear(shop, second, captured(second))
    assert shop.lines(ref)[0].reserved_at == shop.now
    assert reasons(shop) == [(RefundReason.PAID_LATE, 5980, None)]
    assert shop.findings() == []


def test_whatever_a_gateway_says_at_length_fits_into_its_note(shop: Shop) -> None:
    ref, key = begun(shop)
    assert hear(shop, key, Answer(Heard.FAILED, why="no " * 400)) is PaymentState.FAILED
    assert shop.payment(key).note == ("no " * 100)
    assert shop.lines(ref)[0].outcome is Outcome.OPEN


def test_an_order_paid_twice_keeps_one_payment_and_returns_the_other(shop: Shop) -> None:
    anna = shop.customer()
    ref = shop.order(anna, (shop.sells("K1")[0], 1))
    first = shop.pay(ref, anna)
    hear(shop, first, Answer(Heard.FAILED, why="declined"))
    second = shop.pay(ref, anna)
    shop.sandbox.approve(second)
    shop.check(second)
    hear(shop, first, captured(first))
    assert reasons(shop) == [(RefundReason.OVERPAID, 5980, None)]
    assert shop.lines(ref)[0].reserved_at is not None
    assert [refund.payment_id for refund in shop.refunds()] == [shop.payment(first).id]
    assert shop.findings() == []


@pytest.mark.parametrize("change", [{"amount": 5979}, {"amount": 5981}, {"currency": "EUR"}, {"merchant": "another"}])
def test_an_answer_that_does_not_match_is_put_aside_for_a_person(shop: Shop, change: dict[str, object]) -> None:
    ref, key = begun(shop, cap=5)
    answer = replace(captured(key), **change)  # type: ignore[arg-type]  # one field at a time
    assert hear(shop, key, answer) is PaymentState.MISMATCH
    assert hear(shop, key, captured(key)) is PaymentState.MISMATCH
    assert shop.balances(SUSPENSE) == {SUSPENSE: answer.amount}
    assert shop.lines(ref)[0].reserved_at is None
    (said,) = change.values()
    assert (f"{said / 100:.2f} CNY" if isinstance(said, int) else str(said)) in shop.payment(key).note
    assert [finding.check for finding in shop.findings()] == ["deposits.mismatch"]


def test_its_customer_is_told_once_not_to_pay_again(shop: Shop) -> None:
    ref, key = begun(shop)
    with shop.database.transaction() as session:
        make.address(session, session.scalars(select(Order)).one().person, "anna@example.com")
    for _ in range(2):
        hear(shop, key, replace(captured(key), amount=5981))
    with shop.database.reading() as session:
        (job,) = session.scalars(select(Job).where(Job.kind == "deposits.tell_held_up"))
    for _ in range(2):
        tell_held_up(shop.database, job.payload, shop.now)
    with shop.database.reading() as session:
        (message,) = session.scalars(select(Message).where(Message.template == "payment_held_up"))
    assert (message.fields["order"], message.fields["amount"], message.recipient) == (ref, "¥59.80", "anna@example.com")


def test_a_payment_begun_in_time_counts_while_the_campaign_settles(shop: Shop) -> None:
    shop.now = make.ORDERING_CLOSES - timedelta(seconds=1)
    ref, key = begun(shop)
    settle(shop, CampaignState.SETTLING)
    shop.now = make.ORDERING_CLOSES + timedelta(hours=24)
    hear(shop, key, captured(key))
    assert shop.lines(ref)[0].reserved_at == shop.now
    assert shop.refunds() == []


@pytest.mark.parametrize("state", [CampaignState.SETTLING, CampaignState.DECIDED, CampaignState.COMPLETED])
def test_a_payment_heard_of_after_settling_or_decision_goes_back(shop: Shop, state: CampaignState) -> None:
    shop.now = make.ORDERING_CLOSES - timedelta(seconds=1)
    ref, key = begun(shop)
    settle(shop, state)
    shop.now = make.ORDERING_CLOSES + timedelta(hours=24, microseconds=1)
    hear(shop, key, captured(key))
    assert reasons(shop) == [(RefundReason.PAID_LATE, 5980, None)]
    assert shop.lines(ref)[0].reserved_at is None
    assert shop.findings() == []


def test_money_that_comes_after_the_place_expired_gets_a_place_if_one_is_left(shop: Shop) -> None:
    ref, key = begun(shop, cap=1)
    shop.forward(minutes=31)
    hear(shop, key, captured(key))
    assert shop.lines(ref)[0].reserved_at == shop.now
    assert shop.findings() == []


def test_money_that_comes_when_the_last_place_went_to_another_goes_back(shop: Shop) -> None:
    ref, key = begun(shop, cap=1)
    shop.forward(minutes=31)
    shop.buys(shop.customer(), (shop.variants("K1")[1].id, 1))
    hear(shop, key, captured(key))
    assert shop.lines(ref)[0].reserved_at is None
    assert reasons(shop) == [(RefundReason.PAID_LATE, 5980, None)]
    assert shop.findings() == []


def test_of_one_payment_some_lines_may_get_their_place_and_others_their_money(shop: Shop) -> None:
    capped, free, anna = shop.sells("K1", offer={"cap": 1}), shop.sells("K2"), shop.customer()
    ref = shop.order(anna, (capped[0], 1), (free[0], 2))
    key = shop.pay(ref, anna)
    shop.forward(minutes=31)
    shop.buys(shop.customer(), (capped[1], 1))
    hear(shop, key, captured(key, 17940))
    first, second = shop.lines(ref)
    assert (first.reserved_at, second.reserved_at) == (None, shop.now)
    assert reasons(shop) == [(RefundReason.PAID_LATE, 5980, None)]
    assert shop.balances(f"dep:{first.id}", f"dep:{second.id}") == {f"dep:{first.id}": 0, f"dep:{second.id}": 11960}
    assert shop.findings() == []


def test_two_lines_of_one_capped_product_get_no_more_than_is_left(shop: Shop) -> None:
    shirt, anna = shop.sells("K1", offer={"cap": 3}), shop.customer()
    ref = shop.order(anna, (shirt[0], 1), (shirt[1], 2))
    key = shop.pay(ref, anna)
    shop.forward(minutes=31)
    shop.buys(shop.customer(), (shirt[2], 1))
    hear(shop, key, captured(key, 17940))
    assert [line.reserved_at is not None for line in shop.lines(ref)] == [True, False]
    assert shop.findings() == []


def test_an_unknown_answer_never_fails_a_payment(shop: Shop) -> None:
    _, key = begun(shop)
    for _ in range(5):
        shop.forward(days=1)
        assert hear(shop, key, Answer(Heard.UNKNOWN)) is PaymentState.UNKNOWN


def test_absent_alone_changes_nothing(shop: Shop) -> None:
    _, key = begun(shop)
    assert hear(shop, key, Answer(Heard.ABSENT)) is PaymentState.PENDING


def test_an_answer_about_nothing_we_know_is_refused(shop: Shop) -> None:
    with pytest.raises(NotFound):
        hear(shop, "nothing", captured("nothing"))
    with pytest.raises(NotFound):
        hear_of_refund(shop, "nothing-1", captured("nothing-1"))


# refunds


def returning(shop: Shop) -> tuple[str, str]:
    """A refund that waits to be sent: the order's reference and the refund's key."""
    ref, key = begun(shop)
    hear(shop, key, Answer(Heard.FAILED))
    hear(shop, key, captured(key))
    return ref, shop.refunds()[0].key


def test_a_settled_refund_has_left_our_books(shop: Shop) -> None:
    _, key = returning(shop)
    assert [hear_of_refund(shop, key, captured(key)) for _ in range(2)] == [RefundState.SETTLED] * 2
    (refund,) = shop.refunds()
    assert (refund.settled_at, refund.provider_reference, refund.last_error) == (shop.now, f"SBX-{key}", "")
    assert shop.balances(PSP, f"hold:{key}") == {PSP: 0, f"hold:{key}": 0}
    assert shop.findings() == []


def test_a_refund_refused_for_good_is_owed_to_the_customer(shop: Shop) -> None:
    ref, key = returning(shop)
    assert hear_of_refund(shop, key, Answer(Heard.FAILED, why="account closed")) is RefundState.FAILED
    assert hear_of_refund(shop, key, captured(key)) is RefundState.FAILED
    assert shop.refunds()[0].last_error == "account closed"
    assert shop.balances(f"hold:{key}", f"owed:{ref}") == {f"hold:{key}": 0, f"owed:{ref}": 5980}
    assert shop.findings() == []


@pytest.mark.parametrize("heard", [Heard.UNKNOWN, Heard.PENDING, Heard.ABSENT])
def test_a_refund_without_a_clear_answer_waits(shop: Shop, heard: Heard) -> None:
    _, key = returning(shop)
    assert hear_of_refund(shop, key, Answer(heard)) is RefundState.UNKNOWN
    assert shop.balances(f"hold:{key}") == {f"hold:{key}": 5980}
    assert shop.findings() == []


@pytest.mark.parametrize("answer", [captured("x", 5979), replace(captured("x"), currency="EUR")])
def test_a_refund_of_another_amount_is_not_taken_for_ours(shop: Shop, answer: Answer) -> None:
    _, key = returning(shop)
    assert hear_of_refund(shop, key, answer) is RefundState.UNKNOWN
    assert str(answer.amount) in shop.refunds()[0].last_error
    assert shop.balances(f"hold:{key}") == {f"hold:{key}": 5980}
