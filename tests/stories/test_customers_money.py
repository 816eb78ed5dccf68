"""What customers live through with their money, from the first deposit to the last refund, each told once in a browser."""

from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from c2b.campaigns.rules import LegalProfile
from c2b.payments.rules import PaymentState
from tests.stories.customers import Customer
from tests.stories.people import leaving
from tests.stories.timed import BALANCE, DUE, GRACE, SLUG, TimedShop

OVER = DUE + timedelta(days=GRACE, minutes=1)


def states(timed: TimedShop) -> list[PaymentState]:
    return [payment.state for payment in timed.payments()]


def test_three_products_are_one_order_with_one_payment(timed: TimedShop, browser: Browser) -> None:
    timed.sells("K1", "K2", "K3")
    anna = Customer(timed, browser)
    with leaving(anna):
        for taken, (code, size) in enumerate((("K1", "S"), ("K2", "M"), ("K3", "L")), start=1):
            anna.adds(code, size)
            anna.presses("Add up what I ticked")
            anna.reads(f"{taken} product{'s' if taken > 1 else ''}, one deposit")
        anna.photographs("basket-three")
        anna.begins_to_pay("Pay ¥213.80 deposit")  # a fifth of 299.00, 350.00 and 420.00
        anna.approves()
        anna.reads("The money is in.")
        anna.sees_each_line("Ordered, deposit paid", times=3)
        anna.photographs("order-three")
    assert [payment.captured for payment in timed.payments()] == [21380]
    timed.has_nothing_amiss()


def test_a_declined_payment_is_said_in_plain_words_and_the_next_try_is_charged_once(timed: TimedShop, browser: Browser) -> None:
    timed.sells("K1")
    anna = Customer(timed, browser)
    with leaving(anna):
        anna.adds("K1")
        anna.begins_to_pay()
        anna.declines()
        anna.reads("The payment did not go through")
        anna.reads("Nothing was taken.")
        anna.photographs("declined")
        anna.begins_to_pay("Try again")
        anna.approves()
        anna.sees_each_line("Ordered, deposit paid")
        anna.photographs("order-after-decline")
    assert states(timed) == [PaymentState.FAILED, PaymentState.CAPTURED]
    assert timed.gateway.captured() == 5980
    timed.has_nothing_amiss()


@pytest.mark.parametrize("by", ["asking", "a notice"])
def test_who_pays_and_closes_the_tab_finds_it_paid(timed: TimedShop, browser: Browser, by: str) -> None:
    timed.sells("K1")
    anna = Customer(timed, browser)
    with leaving(anna):
        anna.adds("K1")
        anna.begins_to_pay()
        anna.closes_the_tab()
        timed.gateway.approve(timed.payments()[0].key)  # in her bank's app
        anna.opens("/me")
        anna.is_offered_no_payment()
        anna.photographs("me-while-paying")
        anna.comes_back()
        anna.is_offered_no_payment()
        anna.reads("See the payment")
        anna.photographs("order-while-paying")
        if by == "asking":
            timed.later(timedelta(minutes=2))
        else:
            assert [timed.hears(event) for event in timed.gateway.events()] == [200]
            timed.works()
        anna.comes_back()
        anna.sees_each_line("Ordered, deposit paid")
        anna.is_offered_no_payment()
        assert "We have received your deposit of ¥59.80" in anna.subjects()
    assert states(timed) == [PaymentState.CAPTURED]
    timed.has_nothing_amiss()


def test_two_tabs_at_one_payment_pay_once(timed: TimedShop, browser: Browser) -> None:
    timed.sells("K1")
    anna = Customer(timed, browser)
    with leaving(anna):
        anna.adds("K1")
        anna.begins_to_pay()
        with anna.in_a_second_tab():
            anna.comes_back()
            anna.page.get_by_role("link", name="See the payment").first.click()
            anna.photographs("waiting")
            anna.page.get_by_role("link", name="Open the payment page again").click()
            anna.page.wait_for_url("**/sandbox/pay/**")
            with anna.in_the_first_tab():
                anna.approves()
            anna.presses("付款")
            anna.sees_each_line("Ordered, deposit paid")
    assert states(timed) == [PaymentState.CAPTURED]
    assert timed.gateway.captured() == 5980
    timed.has_nothing_amiss()


def test_a_button_that_was_left_open_in_another_tab_charges_nothing_more(timed: TimedShop, browser: Browser) -> None:
    timed.sells("K1")
    anna = Customer(timed, browser)
    with leaving(anna):
        anna.adds("K1")
        anna.begins_to_pay()
        anna.declines()
        anna.comes_back()
        with anna.in_a_second_tab():
            anna.comes_back()
            with anna.in_the_first_tab():
                anna.begins_to_pay("Pay ¥59.80 deposit")
                anna.approves()
            anna.presses("Pay ¥59.80 deposit")
            anna.reads("Nothing is due on this order")
            anna.photographs("nothing-due")
    assert timed.gateway.captured() == 5980
    timed.has_nothing_amiss()


def test_of_two_payments_that_both_arrive_the_second_goes_back_by_itself(timed: TimedShop, browser: Browser) -> None:
    timed.sells("K1")
    anna = Customer(timed, browser)
    with leaving(anna):
        anna.adds("K1")
        anna.begins_to_pay()
        timed.later(timedelta(minutes=31))  # she looks for her card too long
        with anna.in_a_second_tab():
            anna.comes_back()
            anna.begins_to_pay("Pay ¥59.80 deposit")
            anna.approves()
        timed.books_late(timed.payments()[0].key)
        timed.works()
        anna.comes_back()
        anna.sees_each_line("Ordered, deposit paid")
        anna.reads("¥59.80 came twice or too much and is on its way back to you")
        anna.reads("¥59.80 returned")
        anna.photographs("paid-twice")
        assert "You paid twice: ¥59.80 goes back" in anna.subjects()
    assert timed.gateway.captured() == 2 * 5980
    assert timed.gateway.refunded() == 5980
    timed.has_nothing_amiss()


def test_the_balance_is_lower_once_others_have_brought_the_price_down(timed: TimedShop, browser: Browser) -> None:
    timed.sells("K1")
    timed.lowers("K1", units=3, price=24900)
    anna = Customer(timed, browser)
    with leaving(anna):
        anna.buys("K1")
        anna.reads("¥249.20")  # at most: 299.00 less a deposit of 49.80
        timed.has_sold("K1", 2)
        timed.decides()
        anna.comes_back()
        anna.reads("Promised ¥299.00, final ¥249.00 each.")
        anna.photographs("price-fell")
        timed.later(BALANCE + timedelta(hours=1))
        anna.comes_back()
        anna.photographs("balance-to-pay")
        anna.says_where_it_goes()
        anna.photographs("balance-with-address")
        anna.begins_to_pay("Pay the balance, ¥199.20")
        anna.goes_back_to_the_shop()
        anna.photographs("waiting-balance")
        anna.opens_the_payment_page_again()
        anna.declines()
        anna.photographs("declined-balance")
        anna.begins_to_pay("Try again")
        anna.approves()
        anna.reads("The money is in.")
        anna.sees_each_line("Paid in full, being made")
        anna.photographs("balance-paid")
        timed.works()
        assert "We have received your balance of ¥199.20" in anna.subjects()
    timed.has_nothing_amiss()


IN: dict[LegalProfile, dict[str, Any]] = {
    LegalProfile.CN_DINGJIN: {},
    LegalProfile.CN_PREPAY: {"slug": "prepaid"},
    LegalProfile.EU: {"slug": "eu", "currency": "EUR", "countries": ["DE", "FR"], "time_zone": "Europe/Berlin"},
    LegalProfile.US: {"slug": "us", "currency": "USD", "countries": ["US"], "time_zone": "America/New_York"},
    LegalProfile.GENERIC: {"slug": "uk", "currency": "GBP", "countries": ["GB"], "time_zone": "Europe/London"},
}
KEPT = ("Balance not paid, deposit kept", "Salt-field stripe shirt: the balance was not paid, the deposit is kept", "is forfeited")
RETURNED = ("Cancelled, what you paid was returned", "Salt-field stripe shirt: the balance was not paid, so it is cancelled", "you get")
"""What an order's page says of its line, and what happened; and the subject of the mail."""
FOLLOWS = dict.fromkeys(LegalProfile, RETURNED) | {LegalProfile.CN_DINGJIN: KEPT}


def test_who_misses_a_balance_is_reminded_and_then_the_law_decides(timed: TimedShop, browser: Browser) -> None:
    for profile, where in IN.items():
        timed.sells("K1", legal_profile=profile, **where)
    anna = Customer(timed, browser)
    with leaving(anna):
        orders = {profile: timed.has_sold("K1", 1, slug=where.get("slug", SLUG), to=anna.address) for profile, where in IN.items()}
        timed.decides()
        for at in (BALANCE, DUE - timedelta(days=3), DUE - timedelta(days=1), DUE):
            timed.later(at + timedelta(minutes=1))
        anna.opens("/me")
        anna.sees_each_line("Being made, balance overdue", times=len(IN))
        timed.later(OVER)
        for profile, ref in orders.items():
            state, happened, written = FOLLOWS[profile]
            anna.opens(f"/me/orders/{ref}")
            anna.sees_each_line(state)
            anna.reads(happened)
            expect(anna.page.get_by_text("We reminded you of the balance")).to_have_count(4)
            anna.photographs(f"over-{profile}")
            assert any(written in subject for subject in anna.mails_about(ref)), profile
    assert timed.gateway.refunded() == (len(IN) - 1) * 5980
    timed.has_nothing_amiss()


def test_without_a_delivered_reminder_no_deposit_is_kept(timed: TimedShop, browser: Browser) -> None:
    timed.sells("K1")
    anna = Customer(timed, browser)
    with leaving(anna):
        timed.has_sold("K1", 1, to=anna.address)
        timed.decides()
        with timed.post_is_down():
            for at in (BALANCE, DUE - timedelta(days=1), OVER):
                timed.later(at + timedelta(minutes=1))
        anna.comes_back()
        anna.sees_each_line("deposit kept", times=0)
        anna.is_offered_no_payment()
        anna.reads("The time to pay the balance is over.")
        anna.photographs("unreminded")
    assert timed.gateway.refunded() == 0
    timed.has_nothing_amiss()


def test_cancelling_one_of_two_returns_its_deposit_alone(timed: TimedShop, browser: Browser) -> None:
    timed.sells("K1", "K2")
    anna = Customer(timed, browser)
    with leaving(anna):
        anna.adds("K1")
        anna.presses("Add up what I ticked")
        anna.adds("K2", "L")
        anna.begins_to_pay()
        anna.approves()
        anna.reads("¥129.80")
        anna.presses("Cancel Star-crossing slip dress")
        anna.reads("Cancelled. What you paid for it goes back the way it came.")
        anna.photographs("cancelled-one-queued")
        timed.works()
        anna.comes_back()
        anna.sees_each_line("Cancelled, what you paid was returned")
        anna.sees_each_line("Ordered, deposit paid")
        anna.reads("¥70.00 returned")
        anna.photographs("cancelled-one")
        assert "Your refund of ¥70.00" in anna.subjects()
    assert (timed.gateway.captured(), timed.gateway.refunded()) == (12980, 7000)
    timed.has_nothing_amiss()
    timed.statement_agrees()


def test_what_missed_its_minimum_comes_back_without_anybody_asking(timed: TimedShop, browser: Browser) -> None:
    timed.sells("K1", "K2", minimum=3)
    anna = Customer(timed, browser)
    with leaving(anna):
        anna.adds("K1")
        anna.presses("Add up what I ticked")
        anna.adds("K2", "L")
        anna.begins_to_pay()
        anna.approves()
        timed.has_sold("K1", 2)
        timed.decides()
        anna.comes_back()
        anna.sees_each_line("Not made, deposit returned in full")
        anna.reads("¥70.00 returned")
        anna.photographs("missed-one")
        assert "Star-crossing slip dress hasn't reached its minimum" in anna.subjects()
    assert timed.gateway.refunded() == 7000
    timed.has_nothing_amiss()
