"""What finance does where money isn't as it should be, told in a browser: what the customer sees of it, and that the books add up."""

import re
from datetime import timedelta

from playwright.sync_api import Browser, expect

from c2b.people.rules import Role
from tests.stories.customers import Customer
from tests.stories.people import DESK, Visitor, leaving
from tests.stories.timed import BALANCE, DUE, GRACE, PASSWORD, SLUG, TimedShop

NIGHT = timedelta(days=1)


class Clerk(Visitor):
    """Somebody of the staff, signed in at a desk."""

    def __init__(self, shop: TimedShop, browser: Browser, role: Role) -> None:
        super().__init__(shop, browser, size=DESK)
        self._email = f"{role}@example.com"
        shop.hires(self._email, role)
        self.signs_in()

    def signs_in(self) -> None:
        """Sign in, as every morning; other stories look at those pages."""
        self.sends("/admin/sign-in", {"email": self._email, "password": PASSWORD})

    def follows(self, link: str) -> None:
        self.page.get_by_role("link", name=link).first.click()
        self.page.wait_for_load_state()

    def writes(self, **fields: str) -> None:
        """Fill in fields by their labels' first words."""
        for label, text in fields.items():
            self.page.get_by_label(re.compile(f"^{label}")).first.fill(text)


def test_a_payment_of_another_amount_is_taken_and_what_is_too_much_goes_back(timed: TimedShop, browser: Browser) -> None:
    timed.sells("K1")
    anna = Customer(timed, browser)
    with leaving(anna):
        anna.adds("K1")
        anna.begins_to_pay()
        timed.takes_another_amount(6000)
        anna.presses("付款")
        anna.presses("Check now")
        anna.reads("Somebody is looking at this payment")
        anna.photographs("mismatch-waiting")
        anna.comes_back()
        anna.is_offered_no_payment()
        anna.photographs("mismatch-order")
        timed.later(NIGHT)
        finance = Clerk(timed, browser, Role.FINANCE)
        with leaving(finance):
            finance.opens("/admin/money")
            finance.reads("Came in with another amount")
            finance.photographs("money-mismatch")
            finance.opens("/admin/money/books")
            finance.photographs("books-mismatch")
            finance.opens(f"/admin/{SLUG}/refunds")
            finance.photographs("refunds-mismatch")
            finance.opens("/admin/money")
            finance.follows(timed.payments()[0].payer)
            finance.photographs("staff-order-mismatch")
            finance.writes(Reason="Her bank rounded it up")
            finance.presses("Take it")
            timed.later(NIGHT)
            finance.signs_in()
            finance.opens("/admin/money")
            finance.reads("Nothing differs.")
            finance.reads("by itself: the difference is gone")
            finance.photographs("money-settled")
        anna.comes_back()
        anna.sees_each_line("Ordered, deposit paid")
        anna.reads("¥0.20 returned")
        anna.photographs("mismatch-taken")
    assert (timed.gateway.captured(), timed.gateway.refunded()) == (6000, 20)
    timed.has_nothing_amiss()


def test_a_refund_that_came_back_is_owed_and_then_paid_by_hand(timed: TimedShop, browser: Browser) -> None:
    timed.sells("K1")
    anna = Customer(timed, browser)
    with leaving(anna):
        anna.buys("K1")
        anna.presses("Cancel")
        timed.works()
        timed.lets_refunds_bounce()
        timed.works()
        anna.comes_back()
        anna.reads("¥59.80 came back to us; we ask you for another way")
        anna.photographs("bounced-order")
        assert "came back to us" in anna.subjects()
        timed.later(NIGHT)
        finance = Clerk(timed, browser, Role.FINANCE)
        with leaving(finance):
            finance.opens("/admin/money")
            finance.reads("Refund came back")
            finance.photographs("money-bounced")
            finance.opens("/admin/money/books")
            finance.photographs("books-bounced")
            finance.opens("/admin/money")
            finance.follows("Failed refunds")
            finance.photographs("refunds-bounced")
            finance.follows("Decide")
            finance.photographs("refund-bounced")
            finance.writes(Reason="She gave us another account", Reference="BANK-77")
            finance.presses("I paid it by hand")
            finance.reads("Noted: paid by hand.")
            finance.photographs("refund-by-hand")
            timed.later(NIGHT)
            finance.signs_in()
            finance.opens("/admin/money")
            finance.reads("Nothing differs.")
        anna.comes_back()
        anna.reads("¥59.80 sent to you another way")
        anna.reads("reference BANK-77")
        anna.photographs("bounced-paid")
        assert "We paid you" in anna.subjects()
    timed.has_nothing_amiss()


def test_two_people_keep_a_deposit_whose_balance_nobody_paid(timed: TimedShop, browser: Browser) -> None:
    timed.sells("K1", two_person=True)
    anna = Customer(timed, browser)
    with leaving(anna):
        timed.has_sold("K1", 1, to=anna.address)
        timed.decides()
        timed.later(BALANCE + timedelta(minutes=1))
        timed.later(DUE + timedelta(days=GRACE, minutes=1))
        finance, owner = (Clerk(timed, browser, role) for role in (Role.FINANCE, Role.OWNER))
        with leaving(finance, owner):
            finance.opens(f"/admin/{SLUG}/balances")
            finance.photographs("balances-two")
            finance.presses("I agree that they are kept")
            expect(finance.page.get_by_role("button", name="Keep ¥59.80")).to_have_count(0)
            owner.opens(f"/admin/{SLUG}/balances")
            owner.photographs("balances-agreed")
            owner.writes(Type=SLUG)
            owner.presses("Keep ¥59.80")
            owner.reads("1 deposit is kept.")
            owner.photographs("balances-kept")
            owner.opens("/admin/money/books")
            owner.photographs("books-kept")
        timed.works()
        anna.comes_back()
        anna.sees_each_line("Balance not paid, deposit kept")
        assert "is forfeited" in anna.subjects()
    timed.has_nothing_amiss()
