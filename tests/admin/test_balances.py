"""After the grace: deposits that are kept, that a person gives back, products that can't be delivered, and penalties."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from c2b.campaigns.rules import CampaignState, LegalProfile
from c2b.db import Database
from c2b.deposits import reminding
from c2b.deposits.models import OrderLine, RefundLine
from c2b.deposits.rules import Outcome, RefundReason, Reminder
from c2b.ledger import queries as ledger
from c2b.messages.models import Message
from c2b.messages.rules import MessageState
from c2b.people.rules import Role
from c2b.production import actions, queries
from tests import books, make
from tests.admin import shop
from tests.admin.conftest import Clock, Logged, SignIn, spoken

DECIDED = make.ORDERING_CLOSES + timedelta(days=2)
DUE = DECIDED + timedelta(days=10)
OVER = DUE + timedelta(days=7)
PAGE = "/admin/ss27/balances"


def unpaid(database: Database, clock: Clock, *, reminded: bool = True, **campaign: Any) -> str:
    """Let a customer buy five of K101 with a deposit of 299.00 in all, and forget the balance; returns the order."""
    clock.now = OVER
    with database.transaction() as session:
        rules: dict[str, Any] = {"voting_opens": None, "voting_closes": None, "balance_due": DUE, "grace_days": 7, **campaign}
        of = shop.campaign(session, CampaignState.SETTLING, **rules)
        order, _ = books.paid(session, of, (make.variants(session, shop.candidates(session, of)[0])[0], 5))
        if reminded:
            told = {"event": reminding.event(order.ref, Reminder.ONE_DAY), "channel": "email", "recipient": "anna@example.com"}
            told |= {"template": "balance_reminder", "locale": "en"}
            session.add(Message(**told, about=order.ref, fields={}, state=MessageState.SENT, created_at=DUE, sent_at=DUE))
        if of.two_person:
            actions.approve(
                session, slug="ss27", expected=queries.preview(session, slug="ss27").input_hash, actor="staff:x@example.com", now=DECIDED
            )
        actions.decide(session, slug="ss27", actor="staff:y@example.com", now=DECIDED)
        return order.ref


def outcomes(database: Database) -> list[Outcome]:
    with database.reading() as session:
        return list(session.scalars(select(OrderLine.outcome)))


WORDS = {"en": ("I agree that they are kept", "Keep ¥299.00"), "zh": ("我同意扣下", "扣下 ¥299.00")}


@pytest.mark.parametrize("language", WORDS)
def test_two_people_keep_a_deposit(database: Database, sign_in: SignIn, clock: Clock, logged: Logged, language: str) -> None:
    agree, keep = WORDS[language]
    unpaid(database, clock, two_person=True)
    finance, owner = sign_in(Role.FINANCE, language), sign_in(Role.OWNER, language)
    finance.get(PAGE)
    assert "¥299.00" in finance.words
    finance.press(agree)
    assert keep not in finance.words
    assert outcomes(database) == [Outcome.ALLOCATED]
    owner.get(PAGE)
    owner.press(keep, confirm="nonsense", expect=400)
    owner.press(keep, confirm="ss27")
    assert outcomes(database) == [Outcome.CANCELLED]
    assert [entry.actor for entry in logged("production.forfeit")] == ["staff:owner@example.com"]


def test_a_deposit_without_a_reminder_goes_back_with_a_reason(database: Database, sign_in: SignIn, clock: Clock, logged: Logged) -> None:
    ref = unpaid(database, clock, reminded=False)
    browser = sign_in(Role.FINANCE)
    browser.get(PAGE)
    assert "1 line whose reminder didn’t arrive" in browser.words
    assert ref in browser.words
    browser.press("Give back", reason="Mail bounced", expect=400)
    browser.press("Give back", reason=" ", line="all", expect=400)
    browser.press("Give back", reason="Mail bounced", line="all")
    assert "1 deposit goes back." in browser.words
    with database.reading() as session:
        assert session.scalars(select(RefundLine.reason)).all() == [RefundReason.UNPAID]
    assert [entry.reason for entry in logged("production.release")] == ["Mail bounced"]


def test_who_may_only_look_sees_the_same_without_buttons(database: Database, sign_in: SignIn, clock: Clock) -> None:
    ref = unpaid(database, clock, reminded=False)
    browser = sign_in(Role.SUPPORT)
    browser.get(PAGE)
    assert ref in browser.words
    assert "Give back" not in browser.words
    browser.get("/admin/ss27/undelivered?code=K101")
    assert "Finance decides it." in browser.words


@pytest.mark.parametrize(("profile", "on_top"), [(LegalProfile.CN_DINGJIN, "¥299.00"), (LegalProfile.EU, "¥0.00")])
def test_not_to_deliver_says_first_what_follows_and_needs_code_and_reason(
    database: Database, sign_in: SignIn, clock: Clock, profile: LegalProfile, on_top: str
) -> None:
    unpaid(database, clock, legal_profile=profile)
    browser = sign_in(Role.FINANCE)
    browser.get(PAGE)
    browser.press("Show what follows")
    assert f"Goes back ¥299.00 1 refunds Owed on top {on_top}" in spoken(browser)
    browser.press("Give back ¥299.00", confirm="K102", reason="No yarn", expect=400)
    browser.press("Give back ¥299.00", confirm="k101", reason=" ", expect=400)
    assert outcomes(database) == [Outcome.ALLOCATED]
    browser.press("Give back ¥299.00", confirm="k101", reason="No yarn")
    assert browser.url == "/admin/ss27/refunds"
    assert "can’t be delivered" in browser.words
    browser.get("/admin/ss27/undelivered?code=K101")
    assert "Nobody waits for this product" in browser.words


def test_a_penalty_is_paid_by_hand_and_then_gone(database: Database, sign_in: SignIn, clock: Clock) -> None:
    ref = unpaid(database, clock)
    browser = sign_in(Role.FINANCE)
    browser.get("/admin/ss27/undelivered?code=K101")
    browser.press("Give back", confirm="K101", reason="No yarn")
    browser.get(PAGE)
    assert "1 penalty to pay out by hand" in browser.words
    with database.reading() as session:
        line = session.scalars(select(OrderLine.id)).one()
    browser.press("It is paid out", reference="BANK-9", expect=400)
    browser.press("It is paid out", penalty=str(line), reference=" ", expect=400)
    browser.press("It is paid out", penalty=str(line), reference="BANK-9")
    assert "penalty to pay out" not in browser.words
    with database.reading() as session:
        assert ledger.balances(session, [f"owed:{ref}", "bank"]) == {f"owed:{ref}": 0, "bank": 29900}


@pytest.mark.parametrize(("language", "words"), [("en", "No balances yet"), ("zh", "还没有尾款")])
def test_before_the_decision_there_are_no_balances(database: Database, sign_in: SignIn, language: str, words: str) -> None:
    with database.transaction() as session:
        shop.campaign(session, CampaignState.ORDERING)
    browser = sign_in(Role.FINANCE, language)
    browser.get(PAGE)
    assert words in browser.words
