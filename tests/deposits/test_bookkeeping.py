"""A statement against the books: what agrees is booked once and is quiet, what differs is a case until it is gone."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from c2b.ledger import queries as ledger
from c2b.payments.checks import checks as payments_checks
from c2b.payments.models import Payment, Refund
from c2b.payments.protocol import Entry
from c2b.payments.rules import CaseKind, RefundState
from tests.deposits.finance import Finance, strange, with_other, without
from tests.deposits.scene import Shop
from tests.statements import counted


@pytest.fixture
def finance(shop: Shop) -> Finance:
    """A shop that has sold one piece for 299.00 of which 59.80 are the deposit."""
    shop.sells("K101")
    buyer = shop.customer()
    shop.buys(buyer, (shop.variants("K101")[0].id, 1))
    shop.forward(hours=1)
    return Finance(shop, buyer)


def key(finance: Finance) -> str:
    return finance.shop.payments()[0].key


def test_what_agrees_opens_no_case(finance: Finance) -> None:
    imported = finance.imports()
    assert (imported.lines, imported.new, imported.sums) == (1, 1, {"CNY": {"fees": 35, "payment": 5980}})
    assert finance.all_cases() == []
    assert finance.shop.findings() == []


def test_the_fee_of_a_payment_is_an_expense_of_its_campaign_booked_once(finance: Finance) -> None:
    finance.imports()
    finance.matches()
    (fee,) = finance.booked("fee")
    assert fee.id == f"fee:sandbox:payment:SBX-{key(finance)}:5980"
    assert (fee.debit, fee.credit, fee.amount, fee.campaign) == ("fees", "psp:sandbox:main", 35, "ss27")
    assert finance.shop.balances("fees", "psp:sandbox:main") == {"fees": -35, "psp:sandbox:main": -5945}


def test_a_fee_that_comes_back_with_the_money_is_booked_back(finance: Finance) -> None:
    shop = finance.shop
    shop.cancel(shop.payments()[0].payer, finance.buyer)
    shop.send_refunds()
    shop.forward(seconds=1)
    finance.imports()
    (back,) = finance.booked("fee_returned")
    assert (back.debit, back.credit, back.amount, back.campaign) == ("psp:sandbox:main", "fees", 35, "ss27")
    assert finance.shop.balances("fees", "psp:sandbox:main") == {"fees": 0, "psp:sandbox:main": 0}
    assert finance.all_cases() == []


def test_a_payout_goes_to_the_bank_and_belongs_to_no_campaign(finance: Finance) -> None:
    finance.shop.forward(days=1)
    finance.imports()
    finance.imports()
    (payout,) = finance.booked("payout")
    assert (payout.debit, payout.credit, payout.amount, payout.campaign) == ("bank", "psp:sandbox:main", 5945, "")
    assert payout.at == finance.lines()[-1].at
    assert finance.shop.balances("bank", "psp:sandbox:main") == {"bank": -5945, "psp:sandbox:main": 0}
    with finance.shop.database.reading() as session:
        own = {each.account: each.left for each in ledger.trial_balance(session, campaign="ss27")}
        whole = sum(each.left for each in ledger.trial_balance(session))
    assert own == {"dep:1": 5980, "fees": -35, "psp:sandbox:main": -5945}
    assert whole == 0


def test_money_that_belongs_to_nothing_we_know_waits_in_suspense_for_a_person(finance: Finance) -> None:
    stranger = strange("SBX-unknown", 12300, finance.shop.now)
    finance.imports(lambda lines: [*lines, stranger])
    (case,) = finance.open_cases()
    assert (case.kind, case.subject, case.payer) == (CaseKind.UNKNOWN_REFERENCE, "payment:SBX-unknown:12300", "")
    assert case.details["there"] == 12300
    (unmatched,) = finance.booked("unmatched")
    assert (unmatched.debit, unmatched.credit, unmatched.campaign) == ("psp:sandbox:main", "suspense:sandbox", "")
    finance.brings([strange("SBX-back", -12300, finance.shop.now, entry=Entry.REFUND)])
    finance.matches()
    assert finance.shop.balances("suspense:sandbox") == {"suspense:sandbox": 0}


def test_what_turns_out_to_be_ours_leaves_suspense_again(finance: Finance) -> None:
    payment = finance.shop.payments()[0]
    with finance.shop.database.transaction() as session:
        session.execute(update(Payment).values(provider_reference=None))
    finance.imports(with_other(payment.key, key=""))
    assert CaseKind.UNKNOWN_REFERENCE in finance.open_kinds()
    with finance.shop.database.transaction() as session:
        session.execute(update(Payment).values(provider_reference=f"SBX-{payment.key}"))
    finance.matches()
    assert finance.open_cases() == []
    assert finance.shop.balances("suspense:sandbox", "psp:sandbox:main") == {"suspense:sandbox": 0, "psp:sandbox:main": -5945}


def test_what_the_provider_captured_and_we_did_not_is_a_case_until_we_hear_of_it(finance: Finance) -> None:
    shop = finance.shop
    ref = shop.order(person := shop.customer(), (shop.variants("K101")[1].id, 1))
    late = shop.pay(ref, person)
    shop.sandbox.approve(late)
    shop.forward(seconds=1)
    finance.imports()
    (case,) = finance.open_cases()
    assert (case.kind, case.subject, case.payer) == (CaseKind.CAPTURED_THERE, late, ref)
    assert (case.details["here"], case.details["booked"], case.details["there"]) == (0, 0, 5980)
    shop.check(late)
    assert finance.matches().closed == 1
    (case,) = finance.all_cases()
    assert (case.closed_by, case.closed_at, case.gone_at) == ("worker", shop.now, shop.now)


def test_what_we_captured_and_the_statement_has_not_is_a_case_when_statements_reach_a_day_beyond(finance: Finance) -> None:
    first = key(finance)
    finance.a_day_later()
    lines = finance.lines()
    assert lines[0].key == first
    # Nothing before the first line of all statements is looked for.
    finance.brings(lines[1:])
    finance.matches()
    assert finance.open_cases() == []
    finance.brings([strange("SBX-earlier", -1, lines[0].at, entry=Entry.FEE), *lines[1:]])
    finance.matches()
    (case,) = finance.open_cases()
    assert (case.kind, case.subject, case.details["here"], case.details["there"]) == (CaseKind.CAPTURED_HERE, first, 5980, None)
    finance.imports()
    assert finance.open_cases() == []


def test_the_day_that_a_statement_lacks_is_looked_for_only_a_day_later(finance: Finance) -> None:
    shop = finance.shop
    earlier = strange("SBX-earlier", -1, shop.now - timedelta(days=1), entry=Entry.FEE)
    for later, expected in ((timedelta(hours=23), []), (timedelta(hours=25), [CaseKind.CAPTURED_HERE])):
        after = strange(f"SBX-{later}", -1, shop.now + later, entry=Entry.FEE)
        finance.brings([earlier, after])
        finance.matches()
        assert finance.open_kinds() == expected


@pytest.mark.parametrize("other", [{"amount": 5979}, {"currency": "EUR"}])
def test_another_amount_or_currency_is_a_case_with_all_three_figures(finance: Finance, other: dict[str, object]) -> None:
    finance.imports(with_other(key(finance), fee=0, **other))
    (case,) = finance.open_cases()
    assert (case.kind, case.subject) == (CaseKind.OTHER_AMOUNT, key(finance))
    said = (case.details["here"], case.details["booked"], case.details["there"], case.details["there_currency"])
    assert said == (5980, 5980, other.get("amount", 5980), other.get("currency", "CNY"))


def test_a_fee_in_another_currency_than_its_payment_is_not_booked_and_a_case(finance: Finance) -> None:
    finance.imports(with_other(key(finance), currency="EUR"))
    assert finance.booked("fee") == []
    assert finance.open_kinds() == [CaseKind.OTHER_AMOUNT, CaseKind.FEE_UNBOOKED]


def test_a_fee_of_its_own_that_names_no_payment_is_the_shops(finance: Finance) -> None:
    finance.imports(lambda lines: [*lines, strange("SBX-monthly", -990, finance.shop.now, entry=Entry.FEE)])
    fees = {fee.campaign: fee.amount for fee in finance.booked("fee")}
    assert fees == {"ss27": 35, "": 990}
    assert finance.open_cases() == []


def test_the_audit_finds_what_was_booked_and_no_statement_says(finance: Finance) -> None:
    finance.shop.forward(days=1)
    stranger = strange("SBX-unknown", 12300, finance.shop.now)
    finance.imports(lambda lines: [*lines, stranger])
    assert audited(finance) == []
    finance.books("fee:sandbox:payment:SBX-forged:1", "fees", "psp:sandbox:main", 1)
    finance.books("payout:sandbox:SBX-forged:1", "bank", "psp:sandbox:main", 1)
    finance.books("suspense:sandbox:payment:SBX-forged:1", "psp:sandbox:main", "suspense:sandbox", 1)
    assert [check for check, _ in audited(finance)] == ["payments.booked"] * 3
    assert audited(finance)[0][1] == "fee:sandbox:payment:SBX-forged:1 moves 1 CNY, and no statement says so"


def audited(finance: Finance) -> list[tuple[str, str]]:
    with finance.shop.database.reading() as session:
        return [(each.check, each.what) for each in payments_checks(session)]


def test_books_that_have_another_sum_than_the_intent_are_a_case(finance: Finance) -> None:
    with finance.shop.database.transaction() as session:
        session.execute(update(Payment).values(captured=5000, refunded=0))
    finance.imports(with_other(key(finance), amount=5000, fee=0))
    (case,) = finance.open_cases()
    assert (case.kind, case.details["here"], case.details["booked"]) == (CaseKind.BOOKS, 5000, 5980)


@pytest.fixture
def refunded(finance: Finance) -> Refund:
    """The shop's only order was cancelled and its deposit sent back."""
    shop = finance.shop
    shop.cancel(shop.payments()[0].payer, finance.buyer)
    shop.send_refunds()
    shop.forward(seconds=1)
    return shop.refunds()[0]


def test_a_refund_that_the_provider_sent_and_we_did_not_settle_is_a_case(finance: Finance, refunded: Refund) -> None:
    with finance.shop.database.transaction() as session:
        session.execute(update(Refund).values(state=RefundState.UNKNOWN))
    finance.imports()
    (case,) = finance.open_cases()
    assert (case.kind, case.subject, case.details["there"]) == (CaseKind.REFUND_THERE, refunded.key, 5980)


def test_a_refund_that_we_settled_and_the_provider_does_not_have_is_a_case(finance: Finance, refunded: Refund) -> None:
    finance.a_day_later()
    finance.imports(without(refunded.key))
    assert [(case.kind, case.subject) for case in finance.open_cases()] == [(CaseKind.REFUND_HERE, refunded.key)]


def test_a_refund_of_another_amount_is_a_case(finance: Finance, refunded: Refund) -> None:
    finance.imports(with_other(refunded.key, amount=-5900, fee=0))
    (case,) = finance.open_cases()
    assert (case.kind, case.details["here"], case.details["there"]) == (CaseKind.OTHER_AMOUNT, 5980, 5900)


def test_a_bounced_refund_waits_until_the_order_is_paid_out(finance: Finance, refunded: Refund) -> None:
    shop = finance.shop
    payer = shop.payments()[0].payer
    with shop.database.transaction() as session:
        session.execute(update(Refund).values(bounced_at=shop.now, last_error="account closed"))
    finance.books("bounce:1", "psp:sandbox:main", f"owed:{payer}")
    finance.matches()
    (case,) = finance.open_cases()
    assert (case.kind, case.subject, case.payer, case.details["why"]) == (CaseKind.REFUND_BOUNCED, refunded.key, payer, "account closed")
    finance.books("paid_out:1", f"owed:{payer}", "bank")
    finance.matches()
    assert finance.open_cases() == []


def test_however_much_there_is_a_match_asks_the_same_number_of_questions(finance: Finance) -> None:
    finance.imports()
    with counted(finance.shop.database) as few:
        finance.matches()
    for _ in range(5):
        finance.shop.buys(finance.shop.customer(), (finance.shop.variants("K101")[0].id, 1))
    finance.shop.forward(days=2)
    finance.brings(finance.lines())
    with counted(finance.shop.database) as many:
        finance.matches()
    assert len(finance.booked("fee")) == 6
    assert len(many) == len(few)
