"""Goods handed over, come back and late, entered by staff; and what the page of legal profiles says."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from c2b.campaigns.rules import LegalProfile
from c2b.db import Database
from c2b.deposits.models import Delay, RefundLine
from c2b.payments.gateways.sandbox.books import Sandbox
from c2b.payments.protocol import Limits
from c2b.people.rules import Role
from c2b.production import withdrawing
from c2b.work import audit
from tests import make
from tests.admin.conftest import Clock, SignIn, spoken
from tests.production.test_defaults import DUE, decided, pays

PAGE = "/admin/ss27/orders/"


def paid(database: Database, clock: Clock, **campaign: Any) -> tuple[str, int, int]:
    """Let Anna pay everything: the order's reference, the person, the line."""
    clock.now = DUE + timedelta(days=1)
    with database.transaction() as session:
        _, (order,) = decided(session, **campaign)
        pays(session, order, DUE)
        (line,) = make.lines_of(session, order)
        return order.ref, order.person_id, line.id


@pytest.mark.parametrize(
    ("language", "over", "done", "back"),
    [
        ("en", "Enter as handed over", "is yours now", "The goods are here"),
        ("zh", "登记为已交货", "现在归你", "货已收到，退款"),
    ],
)
def test_goods_are_handed_over_and_come_back(
    sqlite_database: Database, sign_in: SignIn, clock: Clock, *, language: str, over: str, done: str, back: str
) -> None:
    ref, person, line = paid(sqlite_database, clock)
    finance = sign_in(Role.FINANCE, language)
    finance.get(PAGE + ref)
    finance.press(over)
    assert done in spoken(finance)
    with sqlite_database.transaction() as session:
        withdrawing.withdraw(session, order_ref=ref, lines=[line], person_id=person, now=clock.now)
    finance.get(PAGE + ref)
    finance.press(back)
    with sqlite_database.reading() as session:
        assert sum(session.scalars(select(RefundLine.amount))) == 120000
        assert audit(session) == []


@pytest.mark.parametrize(("day", "says"), [("soon", "is not a day"), ("2099-01-01", "correct the day")])
def test_a_day_that_cannot_be_is_refused(sqlite_database: Database, sign_in: SignIn, clock: Clock, day: str, says: str) -> None:
    ref, _, _ = paid(sqlite_database, clock)
    finance = sign_in(Role.FINANCE, "en")
    finance.get(PAGE + ref)
    finance.press("Enter as handed over", expect=400, day=day)
    assert says in spoken(finance)


def test_support_sees_the_order_without_the_buttons(sqlite_database: Database, sign_in: SignIn, clock: Clock) -> None:
    ref, _, _ = paid(sqlite_database, clock)
    support = sign_in(Role.SUPPORT, "en")
    support.get(PAGE + ref)
    assert "Hand over" not in spoken(support)


def test_a_new_day_is_entered_with_its_reason(
    sqlite_database: Database, sign_in: SignIn, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid(sqlite_database, clock, legal_profile=LegalProfile.US)
    merchandiser = sign_in(Role.MERCHANDISER, "en")
    merchandiser.get("/admin/ss27/production")
    merchandiser.press("Tell the customers", expect=400, expected="2099-06-20", reason=" ")
    assert "Give the reason" in spoken(merchandiser)
    monkeypatch.setattr(Sandbox, "limits", Limits(refunded_within=timedelta(days=365)))
    merchandiser.press("Tell the customers", expect=400, expected="2099-06-20", reason="No yarn")
    assert "sends nothing back later than 365 days" in spoken(merchandiser)
    merchandiser.press("Tell the customers", expected="2027-07-20", reason="No yarn")
    assert "are told" in spoken(merchandiser)
    with sqlite_database.reading() as session:
        assert session.scalars(select(Delay.reason)).all() == ["No yarn"]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            [
                "not advice",
                "CN_DINGJIN in use",
                "at most 20 %",
                "only if a reminder was delivered",
                "16 CFR 435.2(b)",
                "art. 25",
                "No returns",
            ],
        ),
        ("zh", ["不是法律意见", "CN_DINGJIN 在用", "20 %", "必须送达过提醒", "第二十五条", "不支持无理由退货"]),
    ],
)
def test_every_profile_stands_with_what_it_does_its_sources_and_its_texts(
    sqlite_database: Database, sign_in: SignIn, language: str, words: list[str]
) -> None:
    with sqlite_database.transaction() as session:
        make.campaign(session)
    page = sign_in(Role.SUPPORT, language)
    page.get("/admin/legal")
    said = spoken(page)
    assert [each for each in words if each not in said] == []
    assert all(profile.value in said for profile in LegalProfile)
    assert "Your payment makes a contract" in page.html
    assert "付款后合同成立" in page.html
