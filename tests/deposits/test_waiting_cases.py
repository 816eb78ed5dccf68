"""Cases that wait for a person whatever statements say, and what a person's closing means."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from c2b.audit.models import AuditEntry
from c2b.deposits import resolving
from c2b.errors import Invalid, NotFound, Refused
from c2b.payments import cases
from c2b.payments.models import Dispute, InboxEvent, MoneyCase, Payment, Refund
from c2b.payments.protocol import About, Entry
from c2b.payments.rules import CaseKind, PaymentState, RefundState
from tests.deposits.finance import ACTOR, Finance, strange, with_other
from tests.deposits.scene import Shop


@pytest.fixture
def finance(shop: Shop) -> Finance:
    shop.sells("K101")
    buyer = shop.customer()
    shop.buys(buyer, (shop.variants("K101")[0].id, 1))
    shop.forward(hours=1)
    return Finance(shop, buyer)


def change(finance: Finance, **values: object) -> Payment:
    """Change the only payment by hand."""
    with finance.shop.database.transaction() as session:
        session.execute(update(Payment).values(**values))
    return finance.shop.payments()[0]


def only_case(finance: Finance) -> MoneyCase:
    finance.matches()
    (case,) = finance.open_cases()
    return case


def test_a_mismatch_is_a_case_that_says_what_did_not_match(finance: Finance) -> None:
    payment = change(finance, state=PaymentState.MISMATCH, note="asked for 5980, the gateway says 5981", captured=0)
    case = only_case(finance)
    assert (case.kind, case.subject, case.payer) == (CaseKind.MISMATCH, payment.key, payment.payer)
    assert case.details == {"amount": 5980, "why": "asked for 5980, the gateway says 5981", "currency": "CNY"}


def test_a_mismatch_on_a_statement_is_one_case_not_two(finance: Finance) -> None:
    payment = change(finance, state=PaymentState.MISMATCH, captured=0)
    finance.imports(with_other(payment.key, amount=5981, fee=0))
    assert finance.open_kinds() == [CaseKind.MISMATCH]


@pytest.mark.parametrize("state", [PaymentState.STARTED, PaymentState.UNKNOWN])
def test_a_payment_of_which_nobody_has_heard_for_a_day_is_a_case(finance: Finance, state: PaymentState) -> None:
    at = finance.shop.now
    with finance.shop.database.transaction() as session:
        payment = Payment(
            key="quiet-quiet-quie", payer="order", gateway="sandbox", merchant="main", amount=100, currency="CNY", state=state
        )
        payment.created_at = payment.checked_at = at
        session.add(payment)
    finance.shop.now = at + timedelta(days=1) - timedelta(microseconds=1)
    finance.matches()
    assert finance.open_cases() == []
    finance.shop.now = at + timedelta(days=1)
    assert (only_case(finance).kind, only_case(finance).subject) == (CaseKind.UNHEARD, "quiet-quiet-quie")


def test_a_refund_may_be_on_its_way_for_seven_days(finance: Finance) -> None:
    shop = finance.shop
    shop.cancel(shop.payments()[0].payer, finance.buyer)
    with shop.database.transaction() as session:
        session.execute(update(Refund).values(state=RefundState.UNKNOWN, sent_at=shop.now))
    shop.forward(days=6, hours=23)
    finance.matches()
    assert finance.open_cases() == []
    shop.forward(hours=1)
    assert (only_case(finance).kind, only_case(finance).subject) == (CaseKind.UNHEARD, shop.refunds()[0].key)


def test_a_refund_that_was_refused_waits_until_nothing_is_owed(finance: Finance) -> None:
    shop = finance.shop
    payer = shop.payments()[0].payer
    shop.cancel(payer, finance.buyer)
    (refund,) = shop.refunds()
    with shop.database.transaction() as session:
        session.execute(update(Refund).values(state=RefundState.FAILED, last_error="USER_NOT_EXIST"))
    finance.books(f"fail:{refund.key}", f"hold:{refund.key}", f"owed:{payer}")
    case = only_case(finance)
    assert (case.kind, case.subject, case.details["amount"], case.details["why"]) == (
        CaseKind.REFUND_FAILED,
        refund.key,
        5980,
        "USER_NOT_EXIST",
    )
    finance.books("paid_out:1", f"owed:{payer}", "bank", 5979)
    assert finance.matches().closed == 0
    finance.books("paid_out:2", f"owed:{payer}", "bank", 1)
    assert finance.matches().closed == 1


def test_a_refund_that_was_paid_out_by_hand_is_no_case_though_the_order_is_owed_more(finance: Finance) -> None:
    shop = finance.shop
    payer = shop.payments()[0].payer
    shop.cancel(payer, finance.buyer)
    (refund,) = shop.refunds()
    with shop.database.transaction() as session:
        session.execute(update(Refund).values(state=RefundState.FAILED))
    finance.books(f"fail:{refund.key}", f"hold:{refund.key}", f"owed:{payer}")
    finance.books("penalty:1", "penalty", f"owed:{payer}")
    assert only_case(finance).kind is CaseKind.REFUND_FAILED
    shop.resolves(resolving.paid_by_hand, key=refund.key, reference="BANK-1")
    finance.matches()
    assert finance.open_cases() == []


def test_a_dispute_is_open_until_it_is_won(finance: Finance) -> None:
    with finance.shop.database.transaction() as session:
        payment = session.scalars(select(Payment)).one()
        session.add(Dispute(reference="dp_1", payment_id=payment.id, amount=5980, opened_at=finance.shop.now))
    case = only_case(finance)
    assert (case.kind, case.subject, case.payer, case.details["amount"]) == (CaseKind.DISPUTE_OPEN, "dp_1", payment.payer, 5980)
    with finance.shop.database.transaction() as session:
        session.execute(update(Dispute).values(won_at=finance.shop.now))
    finance.matches()
    assert finance.open_cases() == []


def test_a_dispute_that_only_the_statement_knows_is_a_case(finance: Finance) -> None:
    line = strange("dp_9", -5980, finance.shop.now, entry=Entry.DISPUTE, fee=1500)
    finance.imports(lambda lines: [*lines, line])
    assert only_case(finance).kind is CaseKind.DISPUTE_UNKNOWN
    assert finance.shop.balances("fees") == {"fees": -1535}


def test_an_event_about_something_that_nobody_knows_is_a_case_after_seven_days(finance: Finance) -> None:
    now = finance.shop.now
    with finance.shop.database.transaction() as session:
        for event, received, applied in (("old", 7, None), ("new", 6, None), ("done", 9, now)):
            at = now - timedelta(days=received)
            row = InboxEvent(gateway="stripe", event=event, kind="charge.succeeded", about=About.PAYMENT, key="whose", received_at=at)
            row.next_attempt_at, row.applied_at = now, applied
            session.add(row)
    case = only_case(finance)
    assert (case.kind, case.gateway, case.subject, case.details["reference"]) == (CaseKind.EVENT_UNKNOWN, "stripe", "old", "whose")


def test_who_closes_a_case_says_why_and_the_log_keeps_it(finance: Finance) -> None:
    change(finance, state=PaymentState.MISMATCH, note="other amount", captured=0)
    case = only_case(finance)
    with pytest.raises(Invalid) as refused:
        finance.closes(case, note="  ")
    assert refused.value.field == f"note-{case.id}"
    finance.closes(case, note=" Sent back by hand ")
    with finance.shop.database.reading() as session:
        (entry,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "payments.close_case"))
        stored = session.get_one(MoneyCase, case.id)
    assert (entry.actor, entry.campaign, entry.object, entry.reason) == (ACTOR, "ss27", case.subject, "Sent back by hand")
    assert (stored.note, stored.closed_by, stored.closed_at, stored.gone_at) == ("Sent back by hand", ACTOR, finance.shop.now, None)
    with pytest.raises(Refused):
        finance.closes(case)
    with pytest.raises(NotFound), finance.shop.database.transaction() as session:
        cases.close(session, case_id=999, note="x", campaign="", actor=ACTOR, now=finance.shop.now)


def test_what_a_person_closed_stays_closed_until_the_figures_change(finance: Finance) -> None:
    change(finance, state=PaymentState.MISMATCH, note="5981", captured=0)
    finance.closes(only_case(finance))
    assert finance.matches().opened == 0
    change(finance, note="5982")
    assert finance.matches().opened == 1
    first, second = finance.all_cases()
    assert (first.gone_at is None, second.details["why"]) == (False, "5982")


def test_what_a_person_closed_is_a_new_case_if_it_went_away_and_comes_back(finance: Finance) -> None:
    change(finance, state=PaymentState.MISMATCH, captured=0)
    finance.closes(only_case(finance))
    change(finance, state=PaymentState.CAPTURED, captured=5980)
    finance.matches()
    change(finance, state=PaymentState.MISMATCH, captured=0)
    assert finance.matches().opened == 1


def test_an_open_case_takes_new_figures_and_stays_one(finance: Finance) -> None:
    change(finance, state=PaymentState.MISMATCH, note="5981", captured=0)
    opened = only_case(finance).opened_at
    finance.shop.forward(days=1)
    change(finance, note="5982")
    case = only_case(finance)
    assert (case.details["why"], case.opened_at, len(finance.all_cases())) == ("5982", opened, 1)


def test_finding_things_of_one_kind_closes_none_of_another(finance: Finance) -> None:
    change(finance, state=PaymentState.MISMATCH, captured=0)
    case = only_case(finance)
    with finance.shop.database.transaction() as session:
        assert cases.keep(session, [], kinds={CaseKind.AUDIT}, now=finance.shop.now) == cases.Kept(0, 0)
    assert only_case(finance).id == case.id


def test_thousands_of_cases_open_and_close_together(finance: Finance) -> None:
    many = [cases.Difference(CaseKind.AUDIT, "", f"finding {number}") for number in range(1100)]
    with finance.shop.database.transaction() as session:
        assert cases.keep(session, many, kinds={CaseKind.AUDIT}, now=finance.shop.now) == cases.Kept(1100, 0)
        assert cases.open_count(session) == 1100
        assert cases.keep(session, many[:1], kinds={CaseKind.AUDIT}, now=finance.shop.now) == cases.Kept(0, 1099)
        assert cases.open_count(session) == 1
