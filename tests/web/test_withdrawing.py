"""Withdrawing without signing in, sending back with it, and answering whether one waits, in the browser."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from c2b.audit.rules import Finding
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState, LegalProfile
from c2b.db import Database
from c2b.deposits import checks as deposits_checks
from c2b.deposits.models import Order, OrderLine, RefundLine, Withdrawal
from c2b.jobs.models import Job
from c2b.ledger import checks as ledger_checks
from c2b.messages.models import Message
from c2b.production import actions, delaying, withdrawing
from c2b.production import checks as production_checks
from tests import make
from tests.web.conftest import Clock
from tests.web.pages import Browser
from tests.web.test_balance import DECIDED, ref
from tests.web.test_order_pages import Open, customer, order, ordering, pay

__all__ = ["ordering"]
KEY = "k" * 40


def findings(session: Session) -> list[Finding]:
    """Return what the books say is wrong."""
    return [*ledger_checks.checks(session), *deposits_checks.checks(session), *production_checks.checks(session)]


def bought(visit: Open, database: Database, clock: Clock, profile: LegalProfile, language: str = "en", **rules: Any) -> Browser:
    """Let Anna pay the deposit on a shirt that is then confirmed."""
    with database.transaction() as session:
        here = make.campaign_of(session, "ss27")
        here.minimum, here.legal_profile = 1, profile
        for name, value in rules.items():
            setattr(here, name, value)
    browser = customer(visit, language="en")
    order(browser, "K07")
    pay(browser)
    browser.press("Check now")
    with database.transaction() as session:
        make.campaign_of(session, "ss27").state = CampaignState.SETTLING
    clock.at = DECIDED
    with database.transaction() as session:
        actions.decide(session, slug="ss27", actor="cli:test", now=DECIDED)
    browser.get(f"/me/orders/{ref(database)}?lang={language}")
    return browser


def withdrawn(database: Database) -> int:
    with database.reading() as session:
        assert findings(session) == []
        return session.scalars(select(func.count()).select_from(Withdrawal)).one()


@pytest.mark.parametrize(
    ("language", "press", "confirm", "received"),
    [("en", "Send me the link", "Confirm withdrawal", "confirm it by mail"), ("zh", "把链接发给我", "确认撤回", "已收到")],
)
def test_two_steps_without_signing_in(
    visit: Open, ordering: Campaign, sqlite_database: Database, clock: Clock, *, language: str, press: str, confirm: str, received: str
) -> None:
    assert ordering
    bought(visit, sqlite_database, clock, LegalProfile.EU)
    guest = visit(language)
    guest.get("/withdraw")
    guest.press(press, order=ref(sqlite_database), email="anna@example.com")
    with sqlite_database.reading() as session:
        job = session.scalars(select(Job).where(Job.kind == "production.withdrawal_link")).one()
    withdrawing.send_link(sqlite_database, KEY, job.payload, clock.at)
    with sqlite_database.reading() as session:
        path = session.scalars(select(Message.fields).where(Message.template == "withdrawal_link")).one()["path"]
    guest.get(path)
    assert withdrawn(sqlite_database) == 0  # looking changes nothing
    guest.press(confirm)
    assert received in guest.words
    assert withdrawn(sqlite_database) == 1
    with sqlite_database.reading() as session:
        assert session.scalars(select(Message.recipient).where(Message.template == "withdrawal_received")).all() == ["anna@example.com"]
        assert session.scalars(select(RefundLine.amount)).all() == [5980]


@pytest.mark.usefixtures("ordering")
def test_the_page_says_the_same_whether_or_not_there_is_such_an_order(visit: Open, sqlite_database: Database, clock: Clock) -> None:
    bought(visit, sqlite_database, clock, LegalProfile.EU)
    said = []
    for typed, email in ((ref(sqlite_database), "anna@example.com"), (ref(sqlite_database), "bert@example.com"), ("none", "x@example.com")):
        guest = visit("en")
        guest.get("/withdraw")
        guest.press("Send me the link", order=typed, email=email)
        said.append(guest.words)
    assert len(set(said)) == 1
    assert "If there is an order like this" in said[0]


@pytest.mark.parametrize(
    ("typed", "says"), [({"email": "anna"}, "is not an e-mail address"), ({"order": " "}, "Write the order’s reference")]
)
@pytest.mark.usefixtures("campaign")
def test_what_cannot_be_read_is_named(visit: Open, typed: dict[str, str], says: str) -> None:
    guest = visit("en")
    guest.get("/withdraw")
    guest.press("Send me the link", expect=400, **({"order": "A1", "email": "anna@example.com"} | typed))
    assert says in guest.words


@pytest.mark.usefixtures("ordering")
def test_a_forged_link_is_not_there_and_an_old_one_leads_to_a_new_one(visit: Open, sqlite_database: Database, clock: Clock) -> None:
    bought(visit, sqlite_database, clock, LegalProfile.EU)
    signed = withdrawing.token(KEY, ref(sqlite_database), clock.at)
    guest = visit("en")
    assert guest.client.get(f"/withdraw/{signed}x").status_code == 404
    clock.at += withdrawing.LINK_LIFE
    guest.get(f"/withdraw/{signed}")
    assert "older than a day" in guest.words
    assert withdrawn(sqlite_database) == 0


@pytest.mark.usefixtures("ordering")
def test_after_the_first_step_no_address_and_no_page_holds_the_link(visit: Open, sqlite_database: Database, clock: Clock) -> None:
    bought(visit, sqlite_database, clock, LegalProfile.EU)
    signed = withdrawing.token(KEY, ref(sqlite_database), clock.at)
    guest = visit("en")
    first = guest.client.get(f"/withdraw/{signed}")
    assert (first.status_code, first.headers["Location"]) == (303, "/withdraw/order")
    guest.get("/withdraw/order")
    assert signed not in guest.html
    guest.press("Confirm withdrawal")
    assert (guest.url, signed in guest.html) == ("/withdraw/order", False)
    assert withdrawn(sqlite_database) == 1


@pytest.mark.parametrize(("language", "says"), [("en", "a browser that keeps cookies"), ("zh", "保存 Cookie 的浏览器")])
@pytest.mark.usefixtures("campaign")
def test_a_browser_that_keeps_no_cookie_is_told_so_and_may_ask_for_a_new_link(visit: Open, language: str, says: str) -> None:
    guest = visit(language)
    guest.get("/withdraw/order", expect=400)
    assert says in guest.words
    guest.press({"en": "Send me the link", "zh": "把链接发给我"}[language], order="A1", email="anna@example.com")


@pytest.mark.usefixtures("ordering")
def test_a_link_that_ends_while_its_page_is_open_leads_to_a_new_one(visit: Open, sqlite_database: Database, clock: Clock) -> None:
    bought(visit, sqlite_database, clock, LegalProfile.EU)
    guest = visit("en")
    guest.get(f"/withdraw/{withdrawing.token(KEY, ref(sqlite_database), clock.at)}")
    clock.at += withdrawing.LINK_LIFE
    guest.press("Confirm withdrawal")
    assert (guest.url, "older than a day" in guest.words) == ("/withdraw", True)
    guest.get("/withdraw/order")
    assert "older than a day" in guest.words
    assert withdrawn(sqlite_database) == 0


@pytest.mark.usefixtures("ordering")
def test_under_chinese_law_a_link_offers_nothing_before_the_goods_come(visit: Open, sqlite_database: Database, clock: Clock) -> None:
    anna = bought(visit, sqlite_database, clock, LegalProfile.CN_DINGJIN)
    assert "Send back" not in anna.words
    anna.get(f"/withdraw/{withdrawing.token(KEY, ref(sqlite_database), clock.at)}")
    assert "nothing left to withdraw from" in anna.words


@pytest.mark.parametrize(("language", "button", "says"), [("en", "Send back", "You send it back"), ("zh", "退货", "你正在退货")])
@pytest.mark.usefixtures("ordering")
def test_goods_are_sent_back_from_the_orders_page(
    visit: Open, sqlite_database: Database, clock: Clock, *, language: str, button: str, says: str
) -> None:
    anna = bought(visit, sqlite_database, clock, LegalProfile.CN_PREPAY, language)
    with sqlite_database.transaction() as session:
        session.scalars(select(OrderLine)).one().handed_over_at = clock.at
    anna.get(anna.url)
    anna.press(button)
    assert says in anna.words
    clock.at += timedelta(days=30)
    anna.get(anna.url)
    assert says in anna.words


@pytest.mark.parametrize(("language", "wait", "says"), [("en", "I’ll wait", "You agreed to wait"), ("zh", "我愿意等", "你同意继续等")])
@pytest.mark.usefixtures("ordering")
def test_a_customer_says_that_they_wait_and_then_that_they_do_not(
    visit: Open, sqlite_database: Database, clock: Clock, *, language: str, wait: str, says: str
) -> None:
    anna = bought(visit, sqlite_database, clock, LegalProfile.US, language, delivery_expected=date(2027, 7, 1))
    with sqlite_database.transaction() as session:
        told = {"code": "K07", "reason": "No yarn", "limits": {}, "actor": "staff:a@example.com", "now": clock.at}
        delaying.announce(session, slug="ss27", expected=date(2027, 9, 1), **told)  # type: ignore[arg-type]
    anna.get(anna.url)
    assert "No yarn" in anna.words
    anna.press(wait)
    assert says in anna.words
    anna.press("Cancel it" if language == "en" else "取消，全额退款")
    with sqlite_database.reading() as session:
        assert session.scalars(select(RefundLine.amount)).all() == [5980]
        assert findings(session) == []


@pytest.mark.parametrize("path", ["leave", "delay"])
@pytest.mark.usefixtures("ordering")
def test_somebody_elses_order_is_not_there(visit: Open, sqlite_database: Database, clock: Clock, path: str) -> None:
    bought(visit, sqlite_database, clock, LegalProfile.EU)
    with sqlite_database.reading() as session:
        line = session.scalars(select(OrderLine.id).join(Order, Order.id == OrderLine.order_id)).one()
    bert = customer(visit, "bert@example.com")
    bert.get("/me")
    token = next(e.get("value") for e in bert.tree.iter("input") if e.get("name") == "csrf_token")
    answer = bert.client.post(f"/me/orders/{ref(sqlite_database)}/{path}", data={"csrf_token": token, "line": str(line)})
    assert answer.status_code == 404
    assert withdrawn(sqlite_database) == 0


@pytest.mark.usefixtures("ordering")
@pytest.mark.parametrize(
    ("profile", "countries", "leads"),
    [
        (LegalProfile.EU, ["DE"], True),
        (LegalProfile.EU, [], True),
        (LegalProfile.CN_DINGJIN, ["CN", "FR"], True),
        (LegalProfile.CN_DINGJIN, ["CN"], False),
        (LegalProfile.US, ["US"], False),
    ],
)
def test_every_page_of_a_campaign_leads_to_withdrawing_where_the_law_gives_it_and_no_other_does(
    visit: Open, sqlite_database: Database, profile: LegalProfile, countries: list[str], *, leads: bool
) -> None:
    with sqlite_database.transaction() as session:
        here = make.campaign_of(session, "ss27")
        here.legal_profile, here.countries = profile, countries
    guest = visit()
    for page in ("/", "/c/ss27/", "/c/ss27/how", "/c/ss27/p/K07", "/c/ss27/results"):
        guest.get(page)
        (footer,) = guest.tree.iter("footer")
        assert ("/withdraw" in {link.get("href") for link in footer.iter("a")}) is leads, page


@pytest.mark.usefixtures("ordering")
def test_the_way_out_is_named_in_chinese_too(visit: Open, sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        make.campaign_of(session, "ss27").legal_profile = LegalProfile.EU
    guest = visit("zh")
    guest.get("/c/ss27/")
    assert "撤回合同" in guest.words
